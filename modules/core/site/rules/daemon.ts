/** Rules of daemon.json: errors that `dockerd --validate` does not report, and conflicts with other sections of the host. */
import { formatProblem, type Problem } from "../../errors.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import { addressRules } from "./daemon-addresses.ts";
import { daemonHost, type DaemonRule } from "./daemon-host.ts";
import { limitRules } from "./daemon-limits.ts";
import { logRules } from "./daemon-logs.ts";
import { hostNetworks, networkRules } from "./daemon-network.ts";
import { runtimeRules } from "./daemon-runtimes.ts";
import { storageRules } from "./daemon-storage.ts";
import { versionRules } from "./daemon-versions.ts";
import type { ProblemBuilder } from "./problem-builder.ts";

const rules: readonly DaemonRule[] = [
  versionRules,
  storageRules,
  logRules,
  addressRules,
  networkRules,
  limitRules,
  runtimeRules,
];

/** A problem of the site's section is reported once, however many hosts inherit it. */
export function daemonProblems(
  file: SiteFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): readonly Problem[] {
  const addresses = hostNetworks(hosts);
  const problems = hosts.flatMap((_, index) => {
    const host = daemonHost(file, hosts, addresses, index, problemAt);
    return rules.flatMap((rule) => rule(host));
  });
  return [...new Map(problems.map((problem) => [formatProblem(problem), problem])).values()];
}

/** Rules of daemon.json: what `dockerd --validate` lets through, and what it cannot know of the host's other sections. */
import { formatProblem, type Problem } from "../errors.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import { addressRules } from "./daemon-addresses.ts";
import { daemonHost, type DaemonRule } from "./daemon-host.ts";
import { limitRules } from "./daemon-limits.ts";
import { logRules } from "./daemon-logs.ts";
import { networkRules } from "./daemon-network.ts";
import { runtimeRules } from "./daemon-runtimes.ts";
import { storageRules } from "./daemon-storage.ts";
import { versionRules } from "./daemon-versions.ts";
import type { Say } from "./say.ts";

const rules: readonly DaemonRule[] = [
  versionRules,
  storageRules,
  logRules,
  addressRules,
  networkRules,
  limitRules,
  runtimeRules,
];

/** What is written once for the site is told once, however many hosts inherit it. */
export function daemonProblems(file: SiteFile, hosts: readonly MergedHost[], say: Say): readonly Problem[] {
  const problems = hosts.flatMap((_, index) => {
    const host = daemonHost(file, hosts, index, say);
    return rules.flatMap((rule) => rule(host));
  });
  return [...new Map(problems.map((problem) => [formatProblem(problem), problem])).values()];
}

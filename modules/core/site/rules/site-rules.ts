/** Rules across keys, which a schema cannot express. Pure; every problem at once. */
import type { Problem } from "../../errors.ts";
import type { Locate } from "../../document/locate.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import { appSecretProblems } from "./app-secrets.ts";
import { appProblems } from "./apps.ts";
import { backupProblems } from "./backups.ts";
import { daemonProblems } from "./daemon.ts";
import { groupProblems } from "./groups.ts";
import { hostProblems } from "./hosts.ts";
import { imageProblems } from "./images.ts";
import { loginProblems } from "./logins.ts";
import { networkProblems } from "./networks.ts";
import { registryProblems } from "./registry.ts";
import { rolloutProblems } from "./rollout.ts";
import { problemBuilder } from "./problem-builder.ts";
import { swarmNetworkProblems } from "./swarm-addresses.ts";
import { swarmProblems } from "./swarm.ts";
import { userProblems } from "./users.ts";
import { volumeProblems } from "./volumes.ts";

export function siteProblems(
  file: SiteFile,
  hosts: readonly MergedHost[],
  place: Locate,
): readonly Problem[] {
  const problemAt = problemBuilder(place);
  return [
    ...hostProblems(file, hosts, problemAt),
    ...networkProblems(file, problemAt),
    ...userProblems(file, problemAt),
    ...groupProblems(file, hosts, problemAt),
    ...loginProblems(file, hosts, problemAt),
    ...volumeProblems(file, hosts, problemAt),
    ...imageProblems(file, hosts, problemAt),
    ...appProblems(file, hosts, problemAt),
    ...appSecretProblems(file, hosts, problemAt),
    ...backupProblems(file, hosts, problemAt),
    ...daemonProblems(file, hosts, problemAt),
    ...registryProblems(file, hosts, problemAt),
    ...swarmProblems(file, hosts, problemAt),
    ...swarmNetworkProblems(file, hosts, problemAt),
    ...rolloutProblems(file, hosts, problemAt),
  ];
}

/** Rules across keys: what no schema can say. Pure; every problem at once. */
import type { Problem } from "../errors.ts";
import type { Locate } from "../locate.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import { daemonProblems } from "./daemon.ts";
import { groupProblems } from "./groups.ts";
import { hostProblems } from "./hosts.ts";
import { imageProblems } from "./images.ts";
import { loginProblems } from "./logins.ts";
import { networkProblems } from "./networks.ts";
import { registryProblems } from "./registry.ts";
import { rolloutProblems } from "./rollout.ts";
import { sayer } from "./say.ts";
import { userProblems } from "./users.ts";
import { volumeProblems } from "./volumes.ts";

export function siteProblems(
  file: SiteFile,
  hosts: readonly MergedHost[],
  place: Locate,
): readonly Problem[] {
  const say = sayer(place);
  return [
    ...hostProblems(file, hosts, say),
    ...networkProblems(file, say),
    ...userProblems(file, say),
    ...groupProblems(file, hosts, say),
    ...loginProblems(file, hosts, say),
    ...volumeProblems(file, hosts, say),
    ...imageProblems(file, say),
    ...daemonProblems(file, hosts, say),
    ...registryProblems(file, hosts, say),
    ...rolloutProblems(file, hosts, say),
  ];
}

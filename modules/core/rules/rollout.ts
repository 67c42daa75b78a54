/** Rules of the order in which hosts change; what its values may be the schema says. */
import type { Problem } from "../errors.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import type { Say } from "./say.ts";

/** One rack at a time needs to know the racks: without them all hosts would be one. */
export function rolloutProblems(
  { rollout }: SiteFile,
  hosts: readonly MergedHost[],
  say: Say,
): readonly Problem[] {
  const homeless = hosts.filter(({ rack }) => rack === undefined).map(({ name }) => name);
  if (rollout?.perRack !== true || homeless.length === 0) return [];
  const all = homeless.length === hosts.length;
  return [
    say(
      ["rollout", "perRack"],
      "E_CONFLICT",
      all ? "true, and no host has a rack" : `true, and no rack for ${homeless.join(", ")}`,
      "a rack for every host",
      "write rack: beside the address of each host, or remove perRack",
    ),
  ];
}

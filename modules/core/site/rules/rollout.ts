/** Rules of the rollout across keys; the schema has the rules of its values. */
import type { Problem } from "../../errors.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import type { ProblemBuilder } from "./problem-builder.ts";

/** perRack needs the rack of every host: hosts without one would all count as one rack. */
export function rolloutProblems(
  { rollout }: SiteFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): readonly Problem[] {
  const hostsWithoutRack = hosts.filter(({ rack }) => rack === undefined).map(({ name }) => name);
  if (rollout?.perRack !== true || hostsWithoutRack.length === 0) return [];
  const all = hostsWithoutRack.length === hosts.length;
  return [
    problemAt(
      ["rollout", "perRack"],
      "E_CONFLICT",
      all
        ? "true, but no host has a rack"
        : `true, but these hosts have no rack: ${hostsWithoutRack.join(", ")}`,
      "a rack for every host",
      "set rack: for each host, or remove perRack",
    ),
  ];
}

/** Rules of daemon.json, by itself and with the host's other sections. */
import type { Problem } from "../errors.ts";
import type { Path } from "../locate.ts";
import type { MergedHost } from "../merge.ts";
import { shown } from "../schema.ts";
import type { Say } from "./say.ts";

export function daemonProblems(hosts: readonly MergedHost[], say: Say): readonly Problem[] {
  return hosts.flatMap((host, index) => [
    ...dataRootProblems(host, ["hosts", index], say),
    ...logProblems(host, ["hosts", index], say),
  ]);
}

function dataRootProblems(host: MergedHost, path: Path, say: Say): Problem[] {
  const root = host.daemon["data-root"];
  const mounts = (host.volumes.logical ?? []).map(({ mount }) => mount);
  if (root === undefined || mounts.length === 0) return [];
  if (mounts.some((mount) => root === mount || root.startsWith(`${mount}/`))) return [];
  const expected = `a path on a logical volume (${mounts.join(", ")})`;
  return [
    say([...path, "daemon", "data-root"], "E_VALUE", shown(root), expected, "move it onto the data volume"),
  ];
}

function logProblems(host: MergedHost, path: Path, say: Say): Problem[] {
  if (host.daemon["log-driver"] !== "journald" || host.daemon["log-opts"] === undefined) return [];
  const at = [...path, "daemon", "log-opts"];
  const expected = "no log-opts with log-driver journald";
  return [
    say(at, "E_VALUE", shown(host.daemon["log-opts"]), expected, "remove them, or take the local driver"),
  ];
}

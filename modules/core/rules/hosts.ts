/** Rules of the list of hosts, and of what a host has to have after inheritance. */
import type { Problem } from "../errors.ts";
import type { Path } from "../locate.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import { duplicates, type Say } from "./say.ts";

export function hostProblems(file: SiteFile, hosts: readonly MergedHost[], say: Say): readonly Problem[] {
  return [
    ...duplicates(file.hosts, ["hosts"], "name", say),
    ...duplicates(file.hosts, ["hosts"], (host) => `${host.address}:${host.port ?? 22}`, say, "address"),
    ...hosts.flatMap((host, index) => missing(host, ["hosts", index], say)),
  ];
}

function missing(host: MergedHost, path: Path, say: Say): Problem[] {
  const wanted: [Path, unknown, string][] = [
    [["volumes", "disk"], host.volumes.disk, "disk: /dev/disk/by-id/<the disk's own name>"],
    [["volumes", "logical"], host.volumes.logical, "logical: with svc, logs and data"],
    [["engine", "version"], host.engine.version, "version: and an engine of the bundle"],
    [["daemon", "data-root"], host.daemon["data-root"], "data-root: and a path on a volume"],
  ];
  return wanted
    .filter(([, value]) => value === undefined)
    .map(([key, , todo]) =>
      say([...path, ...key], "E_KEY_MISSING", "nothing", "it here or for the whole site", `add ${todo}`),
    );
}

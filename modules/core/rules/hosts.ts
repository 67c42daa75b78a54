/** Rules of the list of hosts, and of what a host has to have after inheritance. */
import type { Problem } from "../errors.ts";
import type { Path } from "../locate.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import type { HostSpec } from "../site-spec.ts";
import { duplicates, type Say } from "./say.ts";

export function hostProblems(file: SiteFile, hosts: readonly MergedHost[], say: Say): readonly Problem[] {
  return [
    ...duplicates(file.hosts, ["hosts"], "name", say),
    ...duplicates(hosts, ["hosts"], (host) => doorway(host), say, "address"),
    ...hosts.flatMap((host, index) => missing(host, ["hosts", index], say)),
  ];
}

/** Behind two jump hosts the same private address is two machines. */
export function doorway({ address, port, jump }: Pick<HostSpec, "address" | "port" | "jump">): string {
  const own = `${address}:${port}`;
  return jump === undefined ? own : `${own} behind ${jump.address}:${jump.port}`;
}

function missing(host: MergedHost, path: Path, say: Say): Problem[] {
  const wanted: [Path, unknown, string][] = [
    ...volumeKeys(host),
    [["engine", "version"], host.engine.version, "version: and an engine of the bundle"],
    ...jumpKeys(host),
    [["daemon", "data-root"], host.daemon["data-root"], "data-root: and a path on one of its mounts"],
  ];
  return wanted
    .filter(([, value]) => value === undefined)
    .map(([key, , todo]) =>
      say([...path, ...key], "E_KEY_MISSING", "nothing", "it here or for the whole site", `add ${todo}`),
    );
}

/** What Sealift makes volumes of; nothing is asked of a host that says it has none. */
function volumeKeys({ volumes: { disk, logical } }: MergedHost): [Path, unknown, string][] {
  if (logical?.length === 0) return [];
  const todo = "disk: /dev/disk/by-id/<the disk's own name>, or existing: with mounts that are there";
  return [
    [["volumes", "disk"], disk, todo],
    [["volumes", "logical"], logical, "logical: with svc, logs and data"],
  ];
}

/** What the way to a host lacks, as `missing` asks for it. */
function jumpKeys({ jump }: MergedHost): [Path, unknown, string][] {
  if (jump === undefined) return [];
  return [
    [["jump", "address"], jump.address, "address: of the jump host"],
    [["jump", "login"], jump.login, "login: an account there that may forward"],
    [["jump", "hostKey"], jump.hostKey, "hostKey: as ssh-keyscan -t ed25519 <address> prints it"],
  ];
}

/** Rules of the list of hosts, and of what a host has to have after inheritance. */
import { isIPv4, isIPv6 } from "node:net";
import { sameAddress } from "../address.ts";
import type { Problem } from "../errors.ts";
import type { JumpSpec } from "../jump.ts";
import type { Path } from "../locate.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import { shown } from "../shown.ts";
import type { HostSpec } from "../site-spec.ts";
import { duplicates, type Say } from "./say.ts";

export function hostProblems(file: SiteFile, hosts: readonly MergedHost[], say: Say): readonly Problem[] {
  return [
    ...duplicates(file.hosts, ["hosts"], "name", say),
    ...duplicates(hosts, ["hosts"], (host) => doorway(host), say, "address"),
    ...formerNames(hosts, say),
    ...hosts.flatMap((host, index) => missing(host, ["hosts", index], say)),
    ...file.hosts.flatMap(({ address }, index) => addressProblems(address, ["hosts", index, "address"], say)),
    ...hosts.flatMap(({ jump }, index) => {
      const own = file.hosts[index]?.jump?.address === undefined ? [] : ["hosts", index];
      return jump === undefined ? [] : addressProblems(jump.address, [...own, "jump", "address"], say);
    }),
  ];
}

/**
 * What has a colon has to be IPv6, and what has only digits and dots IPv4: ssh would take `10.20.0.11:22` for a name, and 011 for 9, as
 * inet_aton(3) does.
 */
function addressProblems(address: string | undefined, path: Path, say: Say): Problem[] {
  if (address === undefined) return [];
  const [, host = "", port = ""] = /^([^:]+):(\d+)$/.exec(address) ?? [];
  if (port !== "") {
    const todo = `write address: ${host} and port: ${port}`;
    return [say(path, "E_VALUE", shown(address), "a host name or an IP address, without a port", todo)];
  }
  const bad = (expected: string, todo: string): Problem[] => [
    say(path, "E_VALUE", shown(address), expected, todo),
  ];
  if (address.includes(":"))
    return isIPv6(address) ? [] : bad("an IPv6 address", "write it like fd00::11, and a port into port:");
  if (/^[0-9.]+$/.test(address)) {
    const plain = address.replaceAll(/(^|\.)0+(?=\d)/g, "$1");
    return isIPv4(address)
      ? []
      : bad(
          "an IPv4 address of four numbers up to 255, none of which begins with 0",
          isIPv4(plain) ? `write ${plain}, if that is what it means` : "write it like 10.20.0.11",
        );
  }
  const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
  return address.split(".").every((one) => label.test(one))
    ? []
    : bad("a host name: parts of letters, digits and inner hyphens with dots between", "correct the name");
}

/** Pulumi would give two resources one history. */
function formerNames(hosts: readonly MergedHost[], say: Say): Problem[] {
  const taken = new Set(hosts.map(({ name }) => name));
  return hosts.flatMap(({ formerName }, index) => {
    if (formerName === undefined) return [];
    const expected = "a name that no host has or had";
    if (taken.has(formerName))
      return [say(["hosts", index, "formerName"], "E_DUPLICATE", shown(formerName), expected, "remove it")];
    taken.add(formerName);
    return [];
  });
}

/** Behind two jump hosts the same private address is two machines. */
export function doorway({ address, port, jump }: Pick<HostSpec, "address" | "port" | "jump">): string {
  const own = `${sameAddress(address)}:${port}`;
  // What a jump host lacks is told by its own rule.
  const way = jump as Partial<JumpSpec> | undefined;
  return way === undefined ? own : `${own} behind ${sameAddress(way.address ?? "")}:${String(way.port)}`;
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

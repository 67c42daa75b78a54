/** Rules for the list of hosts, and for the keys that a host needs after inheritance. */
import { isIPv4, isIPv6 } from "node:net";
import { type Cidr, parseAddress, parseCidr, sameAddress } from "../address.ts";
import type { Problem } from "../../errors.ts";
import type { JumpSpec } from "../jump-host.ts";
import type { Path } from "../../document/locate.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import { shown } from "../../shown.ts";
import type { HostSpec } from "../site-spec.ts";
import { duplicates, type ProblemBuilder } from "./problem-builder.ts";

export function hostProblems(
  file: SiteFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): readonly Problem[] {
  return [
    ...duplicates(file.hosts, ["hosts"], "name", problemAt),
    ...duplicates(hosts, ["hosts"], (host) => endpointKey(host), problemAt, "address"),
    ...formerNames(hosts, problemAt),
    ...hosts.flatMap((host, index) => missing(host, ["hosts", index], problemAt)),
    ...file.hosts.flatMap(({ address }, index) =>
      addressProblems(address, ["hosts", index, "address"], problemAt),
    ),
    ...hosts.flatMap(({ jumpHost }, index) => {
      const own = file.hosts[index]?.jumpHost?.address === undefined ? [] : ["hosts", index];
      return jumpHost === undefined
        ? []
        : addressProblems(jumpHost.address, [...own, "jumpHost", "address"], problemAt);
    }),
  ];
}

/**
 * A text with a colon must be IPv6, and one with only digits and dots IPv4: ssh would take `10.20.0.11:22` for a name, and 011
 * for 9, as inet_aton(3) does.
 */
function addressProblems(address: string | undefined, path: Path, problemAt: ProblemBuilder): Problem[] {
  if (address === undefined) return [];
  const [, host = "", port = ""] = /^([^:]+):(\d+)$/.exec(address) ?? [];
  if (port !== "") {
    const fix = `set address: ${host} and port: ${port}`;
    return [problemAt(path, "E_VALUE", shown(address), "a host name or an IP address, without a port", fix)];
  }
  const bad = (expected: string, fix: string): Problem[] => [
    problemAt(path, "E_VALUE", shown(address), expected, fix),
  ];
  if (nobodys.some((range) => isWithin(address, range)))
    return bad("the address of one machine, as other machines reach it", "write it like 10.20.0.11");
  if (address.includes(":"))
    return isIPv6(address) ? [] : bad("an IPv6 address", "write it like fd00::11, and set a port with port:");
  if (/^[0-9.]+$/.test(address)) {
    const plain = address.replaceAll(/(^|\.)0+(?=\d)/g, "$1");
    return isIPv4(address)
      ? []
      : bad(
          "an IPv4 address: four numbers up to 255 without leading zeros",
          isIPv4(plain) ? `write ${plain} if that is the intended address` : "write it like 10.20.0.11",
        );
  }
  // inet_aton(3) takes hexadecimal numbers for an IPv4 address.
  const label = /^(?!0x[0-9a-f]{1,63}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;
  return address.split(".").every((one) => label.test(one))
    ? []
    : bad("a host name: labels of letters, digits and inner hyphens, separated by dots", "correct the name");
}

/** Unspecified, multicast and broadcast addresses; link-local ones have a meaning only together with an interface (RFC 4291, 2.5.6). */
const nobodys = ["0.0.0.0/8", "224.0.0.0/3", "::/128", "ff00::/8", "fe80::/10"].map(parseCidr);

function isWithin(text: string, range: Cidr | undefined): boolean {
  const address = parseAddress(text);
  return (
    address !== undefined &&
    range?.family === address.family &&
    address.value >= range.first &&
    address.value <= range.last
  );
}

/** Two resources would share one history in Pulumi. */
function formerNames(hosts: readonly MergedHost[], problemAt: ProblemBuilder): Problem[] {
  const taken = new Set(hosts.map(({ name }) => name));
  return hosts.flatMap(({ formerName }, index) => {
    if (formerName === undefined) return [];
    const expected = "a name that no host has or had before";
    if (taken.has(formerName))
      return [
        problemAt(["hosts", index, "formerName"], "E_DUPLICATE", shown(formerName), expected, "remove it"),
      ];
    taken.add(formerName);
    return [];
  });
}

/** Equal for two hosts at the same endpoint. The same private address behind two jump hosts belongs to two machines. */
export function endpointKey({
  address,
  port,
  jumpHost,
}: Pick<HostSpec, "address" | "port" | "jumpHost">): string {
  const own = `${sameAddress(address)}:${port}`;
  // Missing keys of a jump host are reported by another rule.
  const way = jumpHost as Partial<JumpSpec> | undefined;
  return way === undefined ? own : `${own} behind ${sameAddress(way.address ?? "")}:${String(way.port)}`;
}

function missing(host: MergedHost, path: Path, problemAt: ProblemBuilder): Problem[] {
  const required: [Path, unknown, string][] = [
    ...volumeKeys(host),
    [["engine", "version"], host.engine.version, "version: with an engine version of the bundle"],
    ...jumpKeys(host),
    [["daemon", "data-root"], host.daemon["data-root"], "data-root: with a path on one of the host's mounts"],
  ];
  return required
    .filter(([, value]) => value === undefined)
    .map(([key, , fix]) =>
      problemAt(
        [...path, ...key],
        "E_KEY_MISSING",
        "nothing",
        "the key, here or for the whole site",
        `add ${fix}`,
      ),
    );
}

/** The keys that volumes need; a host with an empty list of volumes needs none. */
function volumeKeys({ volumes: { disks, logicalVolumes } }: MergedHost): [Path, unknown, string][] {
  if (logicalVolumes?.length === 0) return [];
  const fix =
    "disks: [{ id: /dev/disk/by-id/<name of the disk> }], or existing: with mounts that exist already";
  return [
    [["volumes", "disks"], disks, fix],
    [["volumes", "logicalVolumes"], logicalVolumes, "logicalVolumes: with svc, logs and data"],
  ];
}

/** The keys that a jump host needs, in the form of `missing`. */
function jumpKeys({ jumpHost }: MergedHost): [Path, unknown, string][] {
  if (jumpHost === undefined) return [];
  return [
    [["jumpHost", "address"], jumpHost.address, "address: with the address of the jump host"],
    [
      ["jumpHost", "sshUser"],
      jumpHost.sshUser,
      "sshUser: with an account there that may forward connections",
    ],
    [
      ["jumpHost", "hostKey"],
      jumpHost.hostKey,
      "hostKey: with the key that ssh-keyscan -t ed25519 <address> prints",
    ],
  ];
}

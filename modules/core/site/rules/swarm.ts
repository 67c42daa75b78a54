/** Rules for the swarm: its members and their addresses. Those for its networks are in swarm-addresses.ts. */
import { isIPv4 } from "node:net";
import type { Problem } from "../../errors.ts";
import type { Path } from "../../document/locate.ts";
import { shown } from "../../shown.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import { memberAddress, memberNames, type SwarmFile } from "../swarm.ts";
import { written, type ProblemBuilder } from "./problem-builder.ts";

export function swarmProblems(
  file: SiteFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): readonly Problem[] {
  const { swarm } = file;
  if (swarm === undefined) return [];
  return [
    ...managerProblems(swarm, problemAt),
    ...hostProblems(swarm, hosts, problemAt),
    ...addressProblems(swarm, hosts, problemAt),
    ...liveRestoreProblems(file, swarm, problemAt),
    ...autolockProblems(file, swarm, problemAt),
  ];
}

/** Of two, both must run; of four, three. Source: docs.docker.com/engine/swarm/admin_guide, "Add manager nodes for fault tolerance". */
function managerProblems({ managers }: SwarmFile, problemAt: ProblemBuilder): Problem[] {
  const { length } = managers;
  if (length % 2 === 1) return [];
  const more = length - Math.floor(length / 2) - 1;
  return [
    problemAt(
      ["swarm", "managers"],
      "E_VALUE",
      `${length} managers, of which ${more === 0 ? "none" : more} may fail`,
      `an odd number: ${length - 1} managers may lose as many`,
      "add a manager, or make one of them a worker",
    ),
  ];
}

/** Every name, and where it is written. */
function namesIn({
  managers,
  workers,
  addresses,
  labels,
  removed = [],
}: SwarmFile): readonly [Path, string, Kind][] {
  const list = (path: Path, names: readonly string[], kind: Kind): [Path, string, Kind][] =>
    names.map((name, at) => [["swarm", ...path, at], name, kind]);
  const keys = (key: string, names: object = {}): [Path, string, Kind][] =>
    Object.keys(names).map((name) => [["swarm", key, name], name, "member"]);
  return [
    ...list(["managers"], managers, "host"),
    ...list(["workers", "hosts"], workers?.hosts ?? [], "host"),
    ...keys("addresses", addresses),
    ...keys("labels", labels),
    ...list(["removed"], removed, "none"),
  ];
}

/** host: of the site. member: of the swarm. none: no member. */
type Kind = "host" | "member" | "none";

function hostProblems(swarm: SwarmFile, hosts: readonly MergedHost[], problemAt: ProblemBuilder): Problem[] {
  const all = hosts.map(({ name }) => name);
  const members = memberNames(swarm);
  const wrong = namesIn(swarm).flatMap(([path, name, kind]): Problem[] => {
    const known = kind === "host" ? all : members;
    if (known.includes(name) !== (kind === "none")) return [];
    return kind === "none"
      ? [
          problemAt(
            path,
            "E_CONFLICT",
            `${shown(name)}, which is also a member`,
            "a host that is no member any more",
            "remove it from managers and workers, or from removed",
          ),
        ]
      : [
          problemAt(
            path,
            "E_VALUE",
            shown(name),
            `a ${kind === "host" ? "host of this site" : "member of the swarm"}: ${known.join(", ")}`,
            "correct the name, or add the host",
          ),
        ];
  });
  const { workers } = swarm;
  if (workers?.class === undefined) return wrong;
  return [
    ...wrong,
    problemAt(
      ["swarm", "workers", "class"],
      "E_CLASS_UNKNOWN",
      `class ${shown(workers.class)} is not defined`,
      "a defined class",
      "correct the name, or add it under classes: here or in the shared file",
    ),
  ];
}

function addressProblems(
  swarm: SwarmFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): Problem[] {
  const { addresses = {} } = swarm;
  const seen = new Map<string, string>();
  return memberNames(swarm).flatMap((name) => {
    const host = hosts.find((one) => one.name === name);
    if (host === undefined) return [];
    const path = addresses[name] === undefined ? ["swarm", "addresses"] : ["swarm", "addresses", name];
    const address = memberAddress(host, addresses);
    const other = seen.get(address);
    if (!isIPv4(address) || address.startsWith("127."))
      return [
        problemAt(
          path,
          address === "" ? "E_KEY_MISSING" : "E_VALUE",
          `${name} has the address ${shown(addresses[name] ?? host.address)}`,
          "an IPv4 address at which the other members reach it",
          `add ${name} to addresses`,
        ),
      ];
    if (other !== undefined)
      return [
        problemAt(
          path,
          "E_DUPLICATE",
          `${address} for ${other} and ${name}`,
          "an address of its own for each member",
          "correct one of the two",
        ),
      ];
    seen.set(address, name);
    return [];
  });
}

function autolockProblems(
  { secrets }: SiteFile,
  { autolock }: SwarmFile,
  problemAt: ProblemBuilder,
): Problem[] {
  if (autolock !== true || secrets !== undefined) return [];
  return [
    problemAt(
      ["swarm", "autolock"],
      "E_KEY_MISSING",
      "autolock: true, and no secrets: of the site",
      "the version of age and the recovery key of the site, for which the unlock key is encrypted",
      "add secrets: { age: 1.3.1, recoveryKey: <what age-keygen prints> } to the site",
    ),
  ];
}

/** The profile's own value changes by itself. */
function liveRestoreProblems(file: SiteFile, swarm: SwarmFile, problemAt: ProblemBuilder): Problem[] {
  const members = memberNames(swarm);
  return written(file, "daemon").flatMap(([path, daemon]) => {
    const at = path[0] === "hosts" ? Number(path[1]) : undefined;
    const concerned = at === undefined || members.includes(file.hosts[at]?.name ?? "");
    if (daemon["live-restore"] !== true || !concerned) return [];
    return [
      problemAt(
        [...path, "live-restore"],
        "E_CONFLICT",
        "live-restore: true on a member of the swarm",
        "live-restore: false, because the engine refuses to be a member with it",
        "remove the key: members get false, and all other hosts get true",
      ),
    ];
  });
}

/** What a host that nobody has described yet says of itself: enough to write its part of a site file. */
import { probe, type Reach } from "./core/probe.ts";
import type { Problem } from "./core/errors.ts";
import type { Library } from "./core/library.ts";

export interface Disk {
  /** Path below /dev/disk/by-id. */
  readonly path: string;
  readonly bytes: number;
  /** As lsblk(8) shows it. */
  readonly serial?: string;
  /** No signature, no partition, no mount; its bytes were not read. */
  readonly blank: boolean;
}

/** A file system of its own that others have laid out and that comes back at boot. */
export interface FoundMount {
  /** In the form that the site file allows. */
  readonly path: string;
  readonly filesystem: "xfs" | "ext4";
  readonly bytes: number;
  readonly availableBytes: number;
}

export interface Inventory {
  readonly hostname: string;
  readonly architecture: string;
  readonly disks: readonly Disk[];
  /** The one with the most bytes available first. */
  readonly mounts: readonly FoundMount[];
  /** IPv4 networks that the host has routes to. */
  readonly routes: readonly string[];
}

/** @returns what was seen, or the problem that kept anybody from looking. */
export async function inventoryOf(host: Reach, library: Library): Promise<Inventory | Problem> {
  const step = { code: "inventory", fact: "nothing to tell", effect: "none", call: ["inventory"] } as const;
  const seen = await probe(host, [{ name: "inventory", steps: [step] }], library);
  if (seen.kind !== "reached") return seen.problem;
  return parseInventory(seen.report.steps[0]?.found ?? "");
}

/** What the site file takes, so that no host writes anything else into it: `disk` and `existing.mount` of stacks/site.schema.json. */
const diskPath = /^\/dev\/disk\/by-id\/[A-Za-z0-9][A-Za-z0-9._:@+-]*$/;
const count = /^\d{1,18}$/;
const mountPath = /^(\/[A-Za-z0-9_][A-Za-z0-9._-]*){1,8}$/;

/** @param words as survey.sh writes them. */
export function parseInventory(words: string): Inventory {
  const all = words.split(" ").flatMap((word): [string, string][] => {
    const cut = word.indexOf("=");
    return cut < 0 ? [] : [[word.slice(0, cut), word.slice(cut + 1)]];
  });
  const of = (key: string): string[] => all.flatMap(([name, value]) => (name === key ? [value] : []));
  const disks = of("disk").flatMap((text): Disk[] => {
    const [path = "", bytes = "0", serial = "-", use = ""] = text.split(",");
    if (!diskPath.test(path) || !count.test(bytes)) return [];
    return [{ path, bytes: Number(bytes), blank: use === "blank", ...(serial === "-" ? {} : { serial }) }];
  });
  const mounts = of("mount").flatMap((text): FoundMount[] => {
    const [path = "", type, bytes = "", available = ""] = text.split(",");
    if (!mountPath.test(path) || (type !== "xfs" && type !== "ext4")) return [];
    if (!count.test(bytes) || !count.test(available)) return [];
    return [{ path, filesystem: type, bytes: Number(bytes), availableBytes: Number(available) }];
  });
  return {
    hostname: of("hostname")[0] ?? "",
    architecture: of("arch")[0] ?? "",
    disks: oneNameEach(disks),
    mounts: mounts.toSorted((one, other) => other.availableBytes - one.availableBytes),
    routes: of("route"),
  };
}

/** A disk has several names; the one with a bus and a number of its own is kept: wwn- names are for machines. */
function oneNameEach(disks: readonly Disk[]): readonly Disk[] {
  const rank = ({ path }: Disk): number => (path.includes("/wwn-") || path.includes("/nvme-eui.") ? 1 : 0);
  const kept = new Map<string, Disk>();
  for (const disk of disks) {
    const key = `${disk.serial ?? disk.path} ${disk.bytes}`;
    const other = kept.get(key);
    if (other === undefined || rank(disk) < rank(other)) kept.set(key, disk);
  }
  return [...kept.values()];
}

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

export interface Inventory {
  readonly hostname: string;
  readonly architecture: string;
  readonly disks: readonly Disk[];
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

/** @param words as survey.sh writes them. */
export function parseInventory(words: string): Inventory {
  const all = words.split(" ").flatMap((word): [string, string][] => {
    const cut = word.indexOf("=");
    return cut < 0 ? [] : [[word.slice(0, cut), word.slice(cut + 1)]];
  });
  const of = (key: string): string[] => all.flatMap(([name, value]) => (name === key ? [value] : []));
  const disks = of("disk").map((text): Disk => {
    const [path = "", bytes = "0", serial = "-", use = ""] = text.split(",");
    return { path, bytes: Number(bytes), blank: use === "blank", ...(serial === "-" ? {} : { serial }) };
  });
  return {
    hostname: of("hostname")[0] ?? "",
    architecture: of("arch")[0] ?? "",
    disks: oneNameEach(disks),
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

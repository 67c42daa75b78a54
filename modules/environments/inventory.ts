/** The inventory of a host that is not in a site yet: enough to write its part of a site file. */
import { probe, type Reach } from "../core/host/probe.ts";
import type { Problem } from "../core/errors.ts";
import type { Library } from "../core/host/library.ts";

export interface Disk {
  /** Path below /dev/disk/by-id; below /dev/disk/by-path for a disk that has no id. */
  readonly path: string;
  readonly bytes: number;
  /** As lsblk(8) shows it. */
  readonly serial?: string;
  /** No signature, no partition, no mount; its content was not read. */
  readonly blank: boolean;
  /** Device nodes of its paths, such as `sda` and `sdb`, when there are several and multipathd does not combine them. */
  readonly unjoined?: readonly string[];
}

/** A separate file system prepared by others that is mounted at boot. */
export interface FoundMount {
  /** In the form that the site file allows. */
  readonly path: string;
  readonly filesystem: "xfs" | "ext4";
  readonly bytes: number;
  readonly availableBytes: number;
}

export interface HostInventory {
  readonly hostname: string;
  readonly architecture: string;
  readonly disks: readonly Disk[];
  /** The one with the most available bytes first. */
  readonly mounts: readonly FoundMount[];
  /** IPv4 networks that the host has routes to. */
  readonly routes: readonly string[];
}

/** @returns the inventory, or the problem that prevented it. */
export async function readHostInventory(host: Reach, library: Library): Promise<HostInventory | Problem> {
  const step = {
    code: "inventory",
    fact: "the host reports its inventory",
    effect: "none",
    call: ["inventory"],
  } as const;
  const result = await probe(host, [{ name: "inventory", steps: [step] }], library);
  if (result.kind !== "reached") return result.problem;
  return parseHostInventory(result.report.values?.["inventory"] ?? "");
}

/**
 * The forms that the site file accepts, so that a host cannot inject anything else: `disks.id` and `existing.mount` of
 * stacks/site.schema.json.
 */
const diskPath = /^\/dev\/disk\/by-(id|path)\/[A-Za-z0-9]([A-Za-z0-9#+.:=@_-]|\\x[0-9a-f]{2})*$/;
const serialNumber = /^[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}$/;
const nodeName = /^[a-z][a-z0-9!-]{0,31}$/;
const count = /^\d{1,18}$/;
const mountPath = /^(\/[A-Za-z0-9_][A-Za-z0-9._-]*){1,8}$/;

/** @param words as inventory.sh writes them. */
export function parseHostInventory(words: string): HostInventory {
  const all = words.split(" ").flatMap((word): [string, string][] => {
    const cut = word.indexOf("=");
    return cut < 0 ? [] : [[word.slice(0, cut), word.slice(cut + 1)]];
  });
  const of = (key: string): string[] => all.flatMap(([name, value]) => (name === key ? [value] : []));
  const disks = of("disk").flatMap((text): NamedDisk[] => {
    const [path = "", bytes = "0", serial = "-", use = "", node = path, paths = node] = text.split(",");
    if (!diskPath.test(path) || !count.test(bytes)) return [];
    const known = serialNumber.test(serial) ? { serial } : {};
    const blank = use === "blank";
    const nodes = paths.split("+").filter((one) => nodeName.test(one));
    // Paths that multipathd has combined are in use, and the combined disk is another node.
    const unjoined = blank && nodes.length > 1 ? { unjoined: nodes } : {};
    return [{ node: paths, disk: { path, bytes: Number(bytes), blank, ...known, ...unjoined } }];
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

/** One of the names of a disk, and its device nodes. */
interface NamedDisk {
  readonly node: string;
  readonly disk: Disk;
}

/** A disk has several names, and two disks may have the same serial number: namespaces of an NVMe drive, LUNs of an array. */
function oneNameEach(names: readonly NamedDisk[]): readonly Disk[] {
  const nodes = [...Map.groupBy(names, ({ node }) => node).values()];
  return nodes.flatMap((own) => {
    const shared = nodes.some(
      (other) =>
        other !== own && own[0]?.disk.serial !== undefined && other[0]?.disk.serial === own[0].disk.serial,
    );
    return own
      .map(({ disk }) => disk)
      .toSorted((one, other) => rank(one, shared) - rank(other, shared))
      .slice(0, 1);
  });
}

/**
 * The best name first: one with a bus and a unique number; wwn- and eui- names are hard to read. The name of an NVMe drive
 * without its namespace points to whichever namespace udev saw last (systemd 255, 60-persistent-storage.rules).
 *
 * @param shared another disk has the same serial number.
 */
function rank({ path, serial = "" }: Disk, shared: boolean): number {
  if (path.startsWith("/dev/disk/by-path/")) return 3;
  if (shared && path.includes("/nvme-") && path.endsWith(serial)) return 2;
  return /\/(wwn-|nvme-(eui|nguid|uuid)\.)/.test(path) ? 1 : 0;
}

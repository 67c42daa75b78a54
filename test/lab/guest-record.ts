import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cachePath } from "./cache.ts";
import { runsIn } from "./vm/machine.ts";
import type { Disk } from "./vm/qemu.ts";

interface AnyRecord {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  /** Key of its origin: the base VM of which a virtual machine is a copy, or the image below a container's root. */
  readonly golden: string;
  /** Saved states besides `ready`. */
  readonly states: readonly string[];
  /** Where its file systems of its own are mounted; none on a machine with blank disks. */
  readonly mounts: readonly string[];
}

export interface VmRecord extends AnyRecord {
  readonly kind: "vm";
  readonly dataGiB: number;
  /** Disks beyond root and data. */
  readonly extra: readonly Disk[];
}

export interface ContainerRecord extends AnyRecord {
  readonly kind: "container";
  /** Disks of saved states between what it changes and the image, the topmost first. Absolute paths. */
  readonly layers: readonly string[];
}

/** What is known of a guest from run to run; lies in its folder as guest.json. */
export type GuestRecord = VmRecord | ContainerRecord;

export function guestFolder(name: string): string {
  return cachePath("lab", "guests", name);
}

/** The record of a guest, running or not; undefined when there is none. */
export function readRecord(name: string): GuestRecord | undefined {
  const file = join(guestFolder(name), "guest.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as GuestRecord) : undefined;
}

export function writeRecord(record: GuestRecord): void {
  const folder = guestFolder(record.name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "guest.json"), `${JSON.stringify(record, undefined, 2)}\n`);
}

/** Every guest that the cache folder knows, by name. */
export function allRecords(): readonly GuestRecord[] {
  const folder = cachePath("lab", "guests");
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .flatMap((name) => readRecord(name) ?? []);
}

export function isRunning({ kind, name, pid }: GuestRecord): boolean {
  return kind === "vm" ? runsIn(guestFolder(name), pid) : containerRuns(guestFolder(name), pid);
}

/** Whether this process id is that of the process that runs the container of this folder; it may belong to root. */
export function containerRuns(folder: string, pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(folder);
  } catch {
    return false;
  }
}

import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cachePath } from "./cache.ts";
import { runsIn } from "./machine.ts";
import type { Disk } from "./qemu.ts";

/** What is known of a guest from run to run; lies in its folder as guest.json. */
export interface GuestRecord {
  readonly name: string;
  readonly pid: number;
  readonly port: number;
  /** The golden guest that it is a copy of. */
  readonly golden: string;
  readonly dataGiB: number;
  /** Disks beyond root and data. */
  readonly extra: readonly Disk[];
  /** Saved states besides `ready`. */
  readonly states: readonly string[];
}

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

export function isRunning(record: GuestRecord): boolean {
  return runsIn(guestFolder(record.name), record.pid);
}

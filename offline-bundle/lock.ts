/** Resolves bundle.yaml to exact bytes and writes them down. Pins that are there are kept and checked, never replaced. */
import { access } from "node:fs/promises";
import { refuse, SealiftError } from "../modules/core/errors.ts";
import { lockImage } from "./images.ts";
import { computedHere, isComplete, type Lock, type LockedFile, readLock, writeLock } from "./lock-file.ts";
import { membersOf } from "./members.ts";
import { inParallel } from "./parallel.ts";
import { obtain } from "./store.ts";
import { label, locateUrl, readWant, type WantedFile } from "./want.ts";

/** Says what is being done, and how far it is: 0 to 1, if that is known. */
export type Report = (text: string, fraction?: number) => void;

export interface LockOptions {
  readonly bundleFile: string;
  readonly lockFile: string;
  /** Folder for downloads; what is there already is not downloaded again. */
  readonly store: string;
  readonly report?: Report;
}

/** added: a new pin · checked: bytes here match the pin · filled: length or members were added to a pin ·
 * kept: the pin stands, its bytes were not looked at · unseen: kept, because the bytes could not be had · removed. */
export type Change = "added" | "checked" | "filled" | "kept" | "unseen" | "removed";

export interface LockResult {
  readonly lock: Lock;
  /** One row per item, in the order of bundle.yaml, then what was removed. */
  readonly changes: readonly { readonly item: string; readonly change: Change }[];
  /** Whether the file was written: an unchanged lock keeps its bytes and its serial. */
  readonly written: boolean;
}

/**
 * Brings bundle.lock.yaml in line with bundle.yaml.
 *
 * @throws {SealiftError} everything that is wrong at once: E_DOWNLOAD when bytes without a pin cannot be had;
 * E_DOWNLOAD_SHA256 or E_PIN when bytes differ from their pin; the problems of both files.
 */
export async function lockBundle(options: LockOptions): Promise<LockResult> {
  const { bundleFile, lockFile, report = () => undefined } = options;
  const want = await readWant(bundleFile);
  const old = (await exists(lockFile)) ? await readLock(lockFile) : undefined;
  const files = await inParallel(want.files, downloadsAtOnce, (file) =>
    lockFileEntry(
      file,
      old?.files.find((one) => label(one) === label(file)),
      options,
    ),
  );
  report("images");
  const images = await inParallel(want.images, downloadsAtOnce, (image) =>
    lockImage(
      image,
      old?.images.find(({ name }) => name === image.name),
      bundleFile,
    ),
  );
  refuse([...files.problems, ...images.problems]);
  const lock: Lock = {
    format: 1,
    serial: old?.serial ?? 1,
    platforms: want.platforms,
    files: files.values.map(({ pin }) => pin),
    images: images.values.map(({ pin }) => pin),
  };
  const written = old === undefined || !sameContent(old, lock);
  const next = old !== undefined && written ? { ...lock, serial: old.serial + 1 } : lock;
  if (written) await writeLock(lockFile, next);
  const items = [...want.files.map(label), ...want.images.map(({ name }) => name)];
  const removed = [...(old?.files ?? []).map(label), ...(old?.images ?? []).map(({ name }) => name)].filter(
    (item) => !items.includes(item),
  );
  return {
    lock: next,
    changes: [
      ...[...files.values, ...images.values].map(({ change }, index) => ({
        item: items[index] ?? "",
        change,
      })),
      ...removed.map((item) => ({ item, change: "removed" as const })),
    ],
    written,
  };
}

/** Downloads at a time: enough to fill a line, few enough for a server to stay friendly. */
const downloadsAtOnce = 4;

async function lockFileEntry(
  file: WantedFile,
  pin: LockedFile | undefined,
  { bundleFile, store, report = () => undefined }: LockOptions,
): Promise<{ readonly pin: LockedFile; readonly change: Change }> {
  const url = locateUrl(file.url, bundleFile);
  if (pin !== undefined && pin.url === file.url && isComplete(pin) && url.protocol !== "file:") {
    return { pin: { ...pin, ...file }, change: "kept" };
  }
  try {
    const { bytes, sha256, path } = await obtain(url, store, pin?.sha256, (done, total) => {
      report(label(file), total === undefined ? undefined : done / total);
    });
    const members = file.kind === "binary" ? {} : { members: await membersOf(path) };
    const sources = pin?.sources ?? [computedHere];
    const change = pin === undefined ? "added" : isComplete(pin) ? "checked" : "filled";
    return { pin: { ...file, bytes, sha256, sources, ...members }, change };
  } catch (error) {
    // A pin that others vouch for is good without its bytes; a build will ask for them.
    const unreachable =
      error instanceof SealiftError && error.problems.every(({ code }) => code === "E_DOWNLOAD");
    if (pin !== undefined && pin.url === file.url && unreachable)
      return { pin: { ...pin, ...file }, change: "unseen" };
    throw error;
  }
}

/** By value, whatever the order of keys. */
function sameContent(old: Lock, lock: Lock): boolean {
  return canonical(old) === canonical(lock);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) =>
    typeof one === "object" && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

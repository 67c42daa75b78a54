/** Resolves bundle.yaml to exact bytes and writes them down. Pins that are there are kept and checked, never replaced unasked. */
import { access } from "node:fs/promises";
import { type Problem, refuse } from "../modules/core/errors.ts";
import { atOnce } from "./fetch.ts";
import type { Warn } from "./first-place.ts";
import { imagePlatformProblems } from "./image-platforms.ts";
import { lockImage } from "./images.ts";
import { type Difference, lockDifferences } from "./lock-diff.ts";
import { type Change, lockEntry } from "./lock-entry.ts";
import { type Lock, writeLock } from "./lock-file.ts";
import { movedTags } from "./moved-tags.ts";
import type { Sources } from "./obtain-file.ts";
import { readOldLock } from "./old-lock.ts";
import { repositoryOf } from "./oci-reference.ts";
import { inParallel } from "./parallel.ts";
import type { Patience } from "./patience.ts";
import { label, readWant, type Want } from "./want.ts";

export type { Change } from "./lock-entry.ts";

/** Says what is being done, and how far it is: 0 to 1, if that is known. */
export type Report = (text: string, fraction?: number) => void;

export interface LockOptions {
  readonly bundleFile: string;
  readonly lockFile: string;
  /** Folder for downloads; what is there already is not downloaded again. */
  readonly store: string;
  /** Names of items whose pins are resolved anew: of a file its name, of an image its name with or without the tag. */
  readonly update?: readonly string[];
  /** Nothing is written, and tags are looked at: whether they still stand for what is pinned. Default false. */
  readonly check?: boolean;
  readonly report?: Report;
  readonly warn?: Warn;
  readonly patience?: Patience;
}

export interface LockResult {
  readonly lock: Lock;
  /** One row per item, in the order of bundle.yaml, then what was removed. */
  readonly changes: readonly { readonly item: string; readonly change: Change }[];
  /** What is different from the lock that was there, for a person to review. */
  readonly differences: readonly Difference[];
  /** Whether the file differs from what was there: an unchanged lock keeps its bytes and its serial. */
  readonly changed: boolean;
  /** Whether it was written. */
  readonly written: boolean;
}

/**
 * Brings bundle.lock.yaml in line with bundle.yaml.
 *
 * @throws {SealiftError} everything that is wrong at once: E_DOWNLOAD when bytes without a pin cannot be had;
 * E_DOWNLOAD_SHA256 or E_PIN when bytes differ from their pin, E_PIN_SOURCES when a checksum file of upstream does too;
 * E_IMAGE, E_BUNDLE_PLATFORM of an image; E_ARCHIVE; E_TAG_MOVED with `check`; E_VALUE for an `update` of nothing; E_SPACE, E_TOOL; the problems of both files.
 */
export async function lockBundle(options: LockOptions): Promise<LockResult> {
  const { bundleFile, lockFile, report = () => undefined, update = [], check = false } = options;
  const want = await readWant(bundleFile);
  refuse(unknownNames(update, want, bundleFile));
  const read = (await exists(lockFile))
    ? await readOldLock(lockFile, want, (item, name) => update.includes(item) || names(update, name))
    : undefined;
  const old = read?.lock;
  const sources = sourcesOf(options, want);
  const files = await inParallel(want.files, atOnce, (file) => {
    const pin = old?.files.find((one) => label(one) === label(file));
    return lockEntry(file, pin, { update: update.includes(file.name), check }, sources, report);
  });
  report("images");
  const images = await inParallel(want.images, atOnce, async (image) => {
    const pin = old?.images.find(({ name }) => name === image.name);
    if (!names(update, image.name)) return lockImage(image, pin, check, sources);
    const fresh = await lockImage(image, undefined, check, sources);
    const same = pin?.digest === fresh.pin.digest;
    return { pin: same ? { ...fresh.pin, sources: pin.sources } : fresh.pin, change: "updated" as const };
  });
  refuse([
    ...files.problems,
    ...images.problems,
    ...imagePlatformProblems(
      want.images,
      images.values.map(({ pin }) => pin),
      want.platforms,
      bundleFile,
    ),
    ...(check && old !== undefined ? await tagProblems(old, want) : []),
  ]);
  const lock: Lock = {
    format: 1,
    serial: old?.serial ?? 1,
    platforms: want.platforms,
    ...(want.expires === undefined ? {} : { expires: want.expires }),
    files: files.values.map(({ pin }) => pin),
    images: images.values.map(({ pin }) => pin),
  };
  const changed = read === undefined || !read.whole || !sameContent(read.lock, lock);
  const next = old !== undefined && changed ? { ...lock, serial: old.serial + 1 } : lock;
  const written = changed && !check;
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
    differences: lockDifferences(old, next),
    changed,
    written,
  };
}

function sourcesOf({ bundleFile, store, warn, patience }: LockOptions, { mirrors }: Want): Sources {
  return {
    ...{ bundleFile, store, mirrors },
    ...(warn === undefined ? {} : { warn }),
    ...(patience === undefined ? {} : { patience }),
  };
}

/** Whether one of the names means this image. */
function names(update: readonly string[], image: string): boolean {
  return update.includes(image) || update.includes(repositoryOf(image));
}

function unknownNames(update: readonly string[], want: Want, where: string): readonly Problem[] {
  const files = [...new Set(want.files.map(({ name }) => name))];
  const images = want.images.map(({ name }) => name);
  return update
    .filter((one) => !files.includes(one) && !images.some((image) => names([one], image)))
    .map((one) => ({
      where,
      code: "E_VALUE",
      subject: "--update",
      got: one,
      expected: `one of ${[...files, ...images].join(", ")}`,
      todo: "write the name as it is in bundle.yaml",
    }));
}

async function tagProblems(lock: Lock, want: Want): Promise<readonly Problem[]> {
  const { moved, unknown } = await movedTags(lock, want);
  return [...moved, ...unknown];
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

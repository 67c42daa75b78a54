/** Resolves bundle.yaml to exact bytes and records them. Existing pins are kept and checked, and replaced only on request. */
import { access } from "node:fs/promises";
import { type Problem, refuse } from "../modules/core/errors.ts";
import { downloadConcurrency } from "./fetch.ts";
import type { Warn } from "./spec/mirrors.ts";
import { imagePlatformProblems } from "./fetching/image-platforms.ts";
import { lockImage } from "./fetching/images.ts";
import { fetchPackages } from "./fetching/npm-package.ts";
import { type LockDifference, lockDifferences } from "./locking/lock-diff.ts";
import { type LockChange, lockEntry } from "./locking/lock-entry.ts";
import { isComplete, type Lock, writeLock } from "./spec/lock-file.ts";
import { lockApp, type ReadApp, readApp, withImages } from "./locking/lock-app.ts";
import { movedTags } from "./locking/moved-tags.ts";
import type { Sources } from "./fetching/fetch-file.ts";
import { readOldLock } from "./locking/old-lock.ts";
import { repositoryOf } from "./spec/oci-reference.ts";
import { inParallel } from "./io/parallel.ts";
import type { RetryPolicy } from "./http/retry-policy.ts";
import { label, type BundleSpec, type FileSpec, type ImageSpec } from "./spec/bundle-spec.ts";
import { readBundleSpec } from "./spec/read-bundle-spec.ts";

export type { LockChange as Change } from "./locking/lock-entry.ts";

/** Reports the current item and its progress, 0 to 1, where that is known. */
export type LockReport = (text: string, fraction?: number) => void;

export interface LockOptions {
  readonly bundleFile: string;
  readonly lockFile: string;
  /** Folder of the download cache; cached files are not downloaded again. */
  readonly store: string;
  /** Names of items whose pins are resolved again: for a file its name, for an image its name with or without the tag. */
  readonly update?: readonly string[];
  /** Writes nothing, and checks whether tags still point to their pins. Default false. */
  readonly check?: boolean;
  readonly report?: LockReport;
  readonly warn?: Warn;
  readonly retryPolicy?: RetryPolicy;
}

export interface LockResult {
  readonly lock: Lock;
  /** One row per item, in the order of bundle.yaml, then what was removed. */
  readonly changes: readonly { readonly item: string; readonly change: LockChange }[];
  /** What differs from the previous lock, for review. */
  readonly differences: readonly LockDifference[];
  /** Whether the lock differs from the previous one: an unchanged lock keeps its bytes and its serial. */
  readonly changed: boolean;
  /** Whether it was written. */
  readonly written: boolean;
}

/**
 * Updates bundle.lock.yaml to match bundle.yaml.
 *
 * @throws {SealiftError} all problems at once: E_DOWNLOAD when bytes without a pin cannot be fetched; E_DOWNLOAD_SHA256 or
 * E_PIN_MISMATCH when bytes differ from their pin, E_PIN_SOURCES when a publisher's checksum file does; E_IMAGE,
 * E_BUNDLE_PLATFORM of an image; E_ARCHIVE; E_TAG_MOVED with `check`; E_VALUE for an `update` that matches nothing; E_NO_SPACE,
 * E_TOOL; the problems of both files.
 */
export async function lockBundle(options: LockOptions): Promise<LockResult> {
  const { bundleFile, lockFile, report = () => undefined, update = [], check = false } = options;
  const written = await readBundleSpec(bundleFile);
  refuse(unknownNames(update, written, bundleFile));
  const apps = await readApps(written, options);
  const spec = withImages(
    written,
    apps.flatMap(({ images }) => images),
  );
  const read = (await exists(lockFile))
    ? await readOldLock(lockFile, spec, (item, name) => update.includes(item) || names(update, name))
    : undefined;
  const old = read?.lock;
  const sources = sourcesOf(options, spec);
  // In few runs of npm; those with a complete pin are needed only by a fetch.
  const unpinned = spec.files.filter((file) => !isPinned(file, old) || update.includes(file.name));
  refuse(await fetchPackages(unpinned, sources, report));
  const files = await inParallel(spec.files, downloadConcurrency, (file) => {
    const pin = old?.files.find((one) => label(one) === label(file));
    const app = apps.find(({ entry }) => entry === file);
    if (app !== undefined) return lockApp(app, pin, update.includes(file.name), options.store);
    return lockEntry(file, pin, { update: update.includes(file.name), check }, sources, report);
  });
  report("images");
  const images = await inParallel(spec.images, downloadConcurrency, async (image) => {
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
      spec.images,
      images.values.map(({ pin }) => pin),
      spec.platforms,
      bundleFile,
    ),
    ...(check && old !== undefined ? await tagProblems(old, spec) : []),
  ]);
  const lock: Lock = {
    format: 1,
    serial: old?.serial ?? 1,
    platforms: spec.platforms,
    ...(spec.expires === undefined ? {} : { expires: spec.expires }),
    files: files.values.map(({ pin }) => pin),
    images: images.values.map(({ pin }) => pin),
  };
  const changed = read === undefined || !read.complete || !sameContent(read.lock, lock);
  const next = old !== undefined && changed ? { ...lock, serial: old.serial + 1 } : lock;
  const writes = changed && !check;
  if (writes) await writeLock(lockFile, next);
  const items = [...spec.files.map(label), ...spec.images.map(({ name }) => name)];
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
    written: writes,
  };
}

/** The projects of all applications. Every problem is reported at once, and every warning as it comes. */
async function readApps(
  { files }: BundleSpec,
  { bundleFile, warn = () => undefined, report = () => undefined }: LockOptions,
): Promise<readonly ReadApp[]> {
  const entries = files.filter(({ kind }) => kind === "app");
  const { values, problems } = await inParallel(entries, projectConcurrency, (entry) => {
    report(label(entry));
    return readApp(entry, bundleFile);
  });
  refuse([...problems, ...otherDigests(values.flatMap(({ images }) => images))]);
  for (const { warnings } of values) for (const warning of warnings) warn(warning);
  return values;
}

/** Programs of the operator at a time. */
const projectConcurrency = 2;

/** The lock has one digest per name. */
function otherDigests(images: readonly ImageSpec[]): readonly Problem[] {
  return images.flatMap(({ name, digest, where = "" }): readonly Problem[] => {
    const other = images.find((one) => one.name === name && one.digest !== digest);
    if (digest === undefined || other === undefined) return [];
    return [
      {
        where,
        code: "E_APP_IMAGE",
        subject: name,
        found: digest,
        expected: `one digest for this name in all applications; ${other.where ?? "another one"} has ${other.digest ?? "none"}`,
        fix: "give the images different tags, or remove the digests: the lock pins one",
      },
    ];
  });
}

function sourcesOf(
  { bundleFile, store, warn, retryPolicy }: LockOptions,
  { mirrors, npm }: BundleSpec,
): Sources {
  return {
    ...{ bundleFile, store, mirrors },
    ...(npm === undefined ? {} : { npm }),
    ...(warn === undefined ? {} : { warn }),
    ...(retryPolicy === undefined ? {} : { retryPolicy }),
  };
}

function isPinned(file: FileSpec, old: Lock | undefined): boolean {
  const pin = old?.files.find((one) => label(one) === label(file));
  return pin !== undefined && pin.url === file.url && pin.integrity === file.integrity && isComplete(pin);
}

/** Whether one of the names selects this image. */
function names(update: readonly string[], image: string): boolean {
  return update.includes(image) || update.includes(repositoryOf(image));
}

function unknownNames(update: readonly string[], spec: BundleSpec, where: string): readonly Problem[] {
  const files = [...new Set(spec.files.map(({ name }) => name))];
  const images = spec.images.map(({ name }) => name);
  return update
    .filter((one) => !files.includes(one) && !images.some((image) => names([one], image)))
    .map((one) => ({
      where,
      code: "E_VALUE",
      subject: "--update",
      found: one,
      expected: `one of ${[...files, ...images].join(", ")}`,
      fix: "use a name from bundle.yaml",
    }));
}

async function tagProblems(lock: Lock, spec: BundleSpec): Promise<readonly Problem[]> {
  const { moved, unknown } = await movedTags(lock, spec);
  return [...moved, ...unknown];
}

/** By value, regardless of the order of keys. */
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

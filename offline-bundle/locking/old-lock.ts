/**
 * The previous lock. Some of it may be unreadable: a merge, another tool or an earlier Sealift may have written it. Entries that
 * bundle.yaml no longer needs are dropped, items named by `--update` are pinned again, and everything else is kept.
 */
import { type Problem, refuse } from "../../modules/core/errors.ts";
import { type Fault, readDocumentWithFaults } from "../spec/document.ts";
import { isRecord } from "../io/json.ts";
import {
  type Lock,
  type LockedFile,
  type LockedImage,
  lockMissing,
  lockSchema,
  repeatProblems,
} from "../spec/lock-file.ts";
import { isDigest } from "../oci/manifests.ts";
import { label, type BundleSpec } from "../spec/bundle-spec.ts";

export interface OldLock {
  readonly lock: Lock;
  /** Whether the whole file could be read; otherwise it has to be rewritten. */
  readonly complete: boolean;
}

/**
 * @param updated whether an item is to be pinned again: `docker 28.5.2 linux/amd64` or an image, and the name that --update
 * takes.
 * @throws {SealiftError} E_LOCK_MISSING, E_YAML; the unreadable parts of pins that are needed and not updated, of the format and
 * of the serial.
 */
export async function readOldLock(
  file: string,
  spec: BundleSpec,
  updated: (item: string, name: string) => boolean,
): Promise<OldLock> {
  const { value, place, faults } = await readDocumentWithFaults(file, lockSchema, lockMissing);
  // Both are generated from bundle.yaml.
  const others = faults.filter(
    ({ path: [key, at] }) =>
      !(typeof at === "number" && (key === "files" || key === "images")) &&
      key !== "platforms" &&
      key !== "expires",
  );
  refuse(others.map(({ problem }) => problem));
  const old = value as { readonly serial: number; readonly files: unknown[]; readonly images: unknown[] };
  const requestedFiles = new Set(spec.files.map(label));
  const requestedImages = new Set(spec.images.map(({ name }) => name));
  const files = readable(old.files, "files", faults, {
    item: fileItem,
    stays: (item, name) => requestedFiles.has(item) && !updated(item, name),
    repaired: () => undefined,
  });
  const images = readable(old.images, "images", faults, {
    item: imageItem,
    stays: (item, name) => requestedImages.has(item) && !updated(item, name),
    repaired: withoutPlatforms,
  });
  const pinned = new Set([...files, ...images].map(({ item }) => item));
  const unpinned = [...requestedFiles, ...requestedImages].filter(
    (item) =>
      !pinned.has(item) && !updated(item, spec.files.find((one) => label(one) === item)?.name ?? item),
  );
  refuse(
    [...files, ...images].flatMap(({ problems, nameless }) =>
      nameless && unpinned.length === 0 ? [] : problems,
    ),
  );
  const values = (kept: readonly Read[]): unknown[] =>
    kept.flatMap((one) => (one.value === undefined ? [] : [one.value]));
  const read = {
    format: 1 as const,
    serial: old.serial,
    platforms: spec.platforms,
    files: values(files) as LockedFile[],
    images: values(images) as LockedImage[],
  };
  const repeats = repeatProblems({ value: read, place });
  const bounds = boundsOf(value, faults, spec);
  if (repeats.length === 0) return { lock: { ...read, ...bounds }, complete: faults.length === 0 };
  const intactParts = {
    files: read.files.filter((one) => requestedFiles.has(label(one)) && !updated(label(one), one.name)),
    images: read.images.filter(({ name }) => requestedImages.has(name) && !updated(name, name)),
  };
  refuse(repeatProblems({ value: intactParts, place }).map((one) => ({ ...one, where: file })));
  return { lock: { ...read, ...intactParts, ...bounds }, complete: false };
}

/** Platforms and expiry date of the lock, where they can be read: a change of them is reported. */
function boundsOf(
  value: unknown,
  faults: readonly Fault[],
  spec: BundleSpec,
): Pick<Lock, "platforms" | "expires"> {
  const { platforms, expires } = value as Pick<Lock, "platforms" | "expires">;
  const broken = (name: string): boolean => faults.some(({ path: [key] }) => key === name);
  return {
    platforms: broken("platforms") ? spec.platforms : platforms,
    ...(expires === undefined || broken("expires") ? {} : { expires }),
  };
}

/** One entry of the lock. */
interface Read {
  readonly item: string | undefined;
  /** The entry does not identify its item. */
  readonly nameless: boolean;
  /** Undefined when the entry is dropped. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
}

interface Kind {
  /** The item of the entry, and the name with which it is updated; undefined when the entry does not give it. */
  readonly item: (entry: unknown) => { readonly item: string; readonly name: string } | undefined;
  /** Whether its pin must be kept. */
  readonly stays: (item: string, name: string) => boolean;
  /** The entry without what can be derived again; undefined when the pin itself is faulty. */
  readonly repaired: (entry: unknown, faults: readonly Fault[]) => unknown;
}

function readable(
  entries: readonly unknown[],
  key: "files" | "images",
  faults: readonly Fault[],
  { item, stays, repaired }: Kind,
): readonly Read[] {
  const ofEntry = Map.groupBy(
    faults.filter(({ path }) => path[0] === key),
    ({ path }) => path[1],
  );
  return entries.map((entry, at): Read => {
    const own = ofEntry.get(at) ?? [];
    const called = item(entry);
    const known = { item: called?.item, nameless: called === undefined };
    if (own.length === 0) return { ...known, value: entry, problems: [] };
    if (called !== undefined && !stays(called.item, called.name))
      return { ...known, value: undefined, problems: [] };
    const value = repaired(entry, own);
    if (value !== undefined) return { ...known, value, problems: [] };
    const fix =
      called === undefined
        ? "remove this entry, or restore the lock from version control; then run: sealift bundle lock"
        : `restore the lock from version control, or pin the item again: sealift bundle lock --update ${called.name}`;
    return { ...known, value: undefined, problems: own.map(({ problem }) => ({ ...problem, fix })) };
  });
}

function fileItem(entry: unknown): ReturnType<Kind["item"]> {
  if (!isRecord(entry)) return undefined;
  const { name, version, platform } = entry;
  if (typeof name !== "string" || typeof version !== "string" || typeof platform !== "string")
    return undefined;
  return { item: label({ name, version, platform: platform as LockedFile["platform"] }), name };
}

function imageItem(entry: unknown): ReturnType<Kind["item"]> {
  const name = isRecord(entry) ? entry["name"] : undefined;
  return typeof name === "string" ? { item: name, name } : undefined;
}

/** The pin of an image is its digest: the platforms are read from the registry again. */
function withoutPlatforms(entry: unknown, faults: readonly Fault[]): unknown {
  const only = faults.every(({ path }) => path[2] === "platforms");
  return only && isRecord(entry) && isDigest(entry["digest"]) ? { ...entry, platforms: [] } : undefined;
}

/**
 * The lock that is to be written again. Some of it may be unreadable: a merge, another tool or an earlier Sealift has written it. What is
 * not wanted any more is let go, what `--update` names is pinned again, and nothing else is replaced unasked.
 */
import { type Problem, refuse } from "../modules/core/errors.ts";
import { type Fault, readDocumentWithFaults } from "./document.ts";
import { isRecord } from "./json.ts";
import {
  type Lock,
  type LockedFile,
  type LockedImage,
  lockMissing,
  lockSchema,
  repeatProblems,
} from "./lock-file.ts";
import { isDigest } from "./manifests.ts";
import { label, type Want } from "./want.ts";

export interface OldLock {
  readonly lock: Lock;
  /** Whether all of the file could be read; otherwise it has to be written again. */
  readonly whole: boolean;
}

/**
 * @param updated whether an item is to be pinned again: `docker 28.5.2 linux/amd64` or an image, and the name that --update takes.
 * @throws {SealiftError} E_LOCK_MISSING, E_YAML; what is unreadable of a pin that is wanted and not updated, of the format and the serial.
 */
export async function readOldLock(
  file: string,
  want: Want,
  updated: (item: string, name: string) => boolean,
): Promise<OldLock> {
  const { value, place, faults } = await readDocumentWithFaults(file, lockSchema, lockMissing);
  // Both are made from bundle.yaml.
  const others = faults.filter(
    ({ path: [key, at] }) =>
      !(typeof at === "number" && (key === "files" || key === "images")) &&
      key !== "platforms" &&
      key !== "expires",
  );
  refuse(others.map(({ problem }) => problem));
  const old = value as { readonly serial: number; readonly files: unknown[]; readonly images: unknown[] };
  const wantedFiles = new Set(want.files.map(label));
  const wantedImages = new Set(want.images.map(({ name }) => name));
  const files = readable(old.files, "files", faults, {
    item: fileItem,
    stays: (item, name) => wantedFiles.has(item) && !updated(item, name),
    repaired: () => undefined,
  });
  const images = readable(old.images, "images", faults, {
    item: imageItem,
    stays: (item, name) => wantedImages.has(item) && !updated(item, name),
    repaired: withoutPlatforms,
  });
  const pinned = new Set([...files, ...images].map(({ item }) => item));
  const unpinned = [...wantedFiles, ...wantedImages].filter(
    (item) =>
      !pinned.has(item) && !updated(item, want.files.find((one) => label(one) === item)?.name ?? item),
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
    platforms: want.platforms,
    files: values(files) as LockedFile[],
    images: values(images) as LockedImage[],
  };
  const repeats = repeatProblems({ value: read, place });
  const bounds = boundsOf(value, faults, want);
  if (repeats.length === 0) return { lock: { ...read, ...bounds }, whole: faults.length === 0 };
  const standing = {
    files: read.files.filter((one) => wantedFiles.has(label(one)) && !updated(label(one), one.name)),
    images: read.images.filter(({ name }) => wantedImages.has(name) && !updated(name, name)),
  };
  refuse(repeatProblems({ value: standing, place }).map((one) => ({ ...one, where: file })));
  return { lock: { ...read, ...standing, ...bounds }, whole: false };
}

/** Platforms and last day as the lock has them, where they can be read: a change of them is shown. */
function boundsOf(value: unknown, faults: readonly Fault[], want: Want): Pick<Lock, "platforms" | "expires"> {
  const { platforms, expires } = value as Pick<Lock, "platforms" | "expires">;
  const broken = (name: string): boolean => faults.some(({ path: [key] }) => key === name);
  return {
    platforms: broken("platforms") ? want.platforms : platforms,
    ...(expires === undefined || broken("expires") ? {} : { expires }),
  };
}

/** One entry of the lock. */
interface Read {
  readonly item: string | undefined;
  /** It says of nothing what it is. */
  readonly nameless: boolean;
  /** Undefined when it is let go. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
}

interface Kind {
  /** What the entry is called, and by which name it is updated; undefined when it does not say. */
  readonly item: (entry: unknown) => { readonly item: string; readonly name: string } | undefined;
  /** Whether its pin is to be kept. */
  readonly stays: (item: string, name: string) => boolean;
  /** The entry with what can be found again left out; undefined when its pin is among the faults. */
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
    const todo =
      called === undefined
        ? "remove this entry, or take the last lock from your version control; then run: sealift bundle lock"
        : `take the last lock from your version control, or pin it again: sealift bundle lock --update ${called.name}`;
    return { ...known, value: undefined, problems: own.map(({ problem }) => ({ ...problem, todo })) };
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

/** The pin of an image is its digest: the platforms are read from there again. */
function withoutPlatforms(entry: unknown, faults: readonly Fault[]): unknown {
  const only = faults.every(({ path }) => path[2] === "platforms");
  return only && isRecord(entry) && isDigest(entry["digest"]) ? { ...entry, platforms: [] } : undefined;
}

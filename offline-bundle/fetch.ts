/** Brings every byte of the lock into the store, and what its publishers say of them: after this a build needs no network. */
import { refuse, SealiftError } from "../modules/core/errors.ts";
import type { Warn } from "./first-place.ts";
import { type Lock, readLock, uncovered } from "./lock-file.ts";
import { movedTags } from "./moved-tags.ts";
import { obtainFile, type Sources } from "./obtain-file.ts";
import { obtainSigned } from "./obtain-signed.ts";
import { inParallel } from "./parallel.ts";
import type { Patience } from "./patience.ts";
import { unproven } from "./vouching.ts";
import { label, readWant } from "./want.ts";

/** How far the transfer of all files is. */
export interface Transfer {
  /** What moves. */
  readonly name: string;
  /** Bytes that are here of those that are known to be wanted. */
  readonly done: number;
  /** Absent while the length of one is not known. */
  readonly total: number | undefined;
}

export interface FetchOptions {
  readonly bundleFile: string;
  readonly lockFile: string;
  /** Folder for downloads; what is there already is not downloaded again. */
  readonly store: string;
  readonly onTransfer?: (transfer: Transfer) => void;
  /** Told of places that failed or lied where another one had the right bytes. */
  readonly warn?: Warn;
  readonly patience?: Patience;
}

export interface FetchResult {
  readonly files: number;
  readonly images: number;
  /** Bytes of the files. */
  readonly bytes: number;
}

/**
 * Fetches, four at a time. What is here is checked and not fetched again; whatever can be had is brought before anything is
 * refused, so that the next run has less to do.
 *
 * @throws {SealiftError} all of: E_LOCK_MISSING, E_LOCK_STALE when an item has no pin, E_DOWNLOAD, E_DOWNLOAD_SHA256, E_PIN,
 * E_IMAGE_SIGNATURE, E_PIN_SIGNATURE, E_PIN_SOURCES, E_SPACE, E_TOOL; E_TAG_MOVED when a tag stands for something else than it did (what is pinned was brought even so).
 */
export async function fetchBundle(options: FetchOptions): Promise<FetchResult> {
  const { bundleFile, lockFile, store, warn, patience, onTransfer = () => undefined } = options;
  const want = await readWant(bundleFile);
  const lock = await readLock(lockFile);
  refuse(uncovered(want, lock, lockFile));
  const sources: Sources = {
    ...{ bundleFile, store, mirrors: want.mirrors },
    ...(warn === undefined ? {} : { warn }),
    ...(patience === undefined ? {} : { patience }),
  };
  const files = await inParallel(lock.files, atOnce, fetcher(lock, sources, onTransfer));
  const remote = lock.images.filter(({ from }) => from === undefined);
  const images = await inParallel(remote, atOnce, (image) => {
    onTransfer({ name: image.name, done: 0, total: undefined });
    return obtainSigned(
      image,
      want.images.find(({ name }) => name === image.name)?.cosign,
      sources,
      lockFile,
    );
  });
  // What a build would ask for, while somebody can be asked; whoever cannot be reached is the build's to tell.
  const asked = await unproven(want, lock, sources).then(
    () => [],
    (error: unknown) => {
      if (!(error instanceof SealiftError)) throw error;
      return error.problems;
    },
  );
  const { moved } = await movedTags(lock, want);
  refuse([...files.problems, ...asked, ...images.problems, ...moved]);
  return {
    files: files.values.length,
    images: images.values.length,
    bytes: files.values.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/**
 * Brings every file of the lock here, checked.
 *
 * @throws {SealiftError} as {@link fetchBundle} does.
 */
export async function fetchFiles(
  lock: Lock,
  sources: Sources,
  onTransfer: (transfer: Transfer) => void,
): Promise<void> {
  refuse((await inParallel(lock.files, atOnce, fetcher(lock, sources, onTransfer))).problems);
}

/** Enough to fill a line, few enough for a server to stay friendly. */
export const atOnce = 4;

/** Brings one file, and adds what comes of it to the sum of all. */
function fetcher(
  lock: Lock,
  sources: Sources,
  onTransfer: (transfer: Transfer) => void,
): (file: Lock["files"][number]) => ReturnType<typeof obtainFile> {
  const lengths = new Map(lock.files.map((file) => [file, file.bytes]));
  const done = new Map<Lock["files"][number], number>();
  const tell = (name: string): void => {
    const known = [...lengths.values()];
    const total = known.reduce<number | undefined>(
      (sum, bytes) => (sum === undefined || bytes === undefined ? undefined : sum + bytes),
      0,
    );
    onTransfer({ name, done: [...done.values()].reduce((sum, bytes) => sum + bytes, 0), total });
  };
  return async (file) => {
    const got = await obtainFile(file, file, sources, (bytes, total) => {
      done.set(file, bytes);
      if (total !== undefined) lengths.set(file, total);
      tell(label(file));
    });
    done.set(file, got.bytes);
    lengths.set(file, got.bytes);
    tell(label(file));
    return got;
  };
}

/**
 * Downloads everything that the lock pins into the download cache, with the signatures and checksums of the publishers: a build
 * then needs no network.
 */
import { refuse, SealiftError } from "../modules/core/errors.ts";
import type { Warn } from "./spec/mirrors.ts";
import { type Lock, readLock, uncovered } from "./spec/lock-file.ts";
import { withAppImages } from "./locking/lock-app.ts";
import { movedTags } from "./locking/moved-tags.ts";
import { fetchFile, type Sources } from "./fetching/fetch-file.ts";
import { fetchSignedImage } from "./fetching/signed-image.ts";
import { fetchPackages } from "./fetching/npm-package.ts";
import type { CachedFile } from "./fetching/download-cache.ts";
import { inParallel, type Results } from "./io/parallel.ts";
import type { RetryPolicy } from "./http/retry-policy.ts";
import { unattested } from "./locking/attestation.ts";
import { label } from "./spec/bundle-spec.ts";
import { readBundleSpec } from "./spec/read-bundle-spec.ts";

/** Progress of the whole transfer. */
export interface Transfer {
  /** The file in transfer. */
  readonly name: string;
  /** Bytes present of those that are known to be needed. */
  readonly done: number;
  /** Absent while a length is unknown. */
  readonly total: number | undefined;
}

export interface FetchOptions {
  readonly bundleFile: string;
  readonly lockFile: string;
  /** Folder of the download cache; cached files are not downloaded again. */
  readonly store: string;
  readonly onTransfer?: (transfer: Transfer) => void;
  /** Called for sources that failed or returned wrong bytes while another source had the right ones. */
  readonly warn?: Warn;
  readonly retryPolicy?: RetryPolicy;
}

export interface FetchResult {
  readonly files: number;
  readonly images: number;
  /** Bytes of the files. */
  readonly bytes: number;
}

/**
 * Fetches four files at a time. Cached files are checked and not fetched again. Everything available is fetched before a problem
 * is reported, so that the next run has less to do.
 *
 * @throws {SealiftError} all of: E_LOCK_MISSING, E_LOCK_STALE when an item has no pin, E_DOWNLOAD, E_DOWNLOAD_SHA256,
 * E_PIN_MISMATCH, E_IMAGE_SIGNATURE, E_PIN_SIGNATURE, E_PIN_SOURCES, E_NO_SPACE, E_TOOL; E_TAG_MOVED when a tag points to another
 * digest than the pinned one (the pinned one is fetched anyway).
 */
export async function fetchBundle(options: FetchOptions): Promise<FetchResult> {
  const { bundleFile, lockFile, store, warn, retryPolicy, onTransfer = () => undefined } = options;
  const lock = await readLock(lockFile);
  const spec = withAppImages(await readBundleSpec(bundleFile), lock.files);
  refuse(uncovered(spec, lock, lockFile));
  const sources: Sources = {
    ...{ bundleFile, store, mirrors: spec.mirrors },
    ...(spec.npm === undefined ? {} : { npm: spec.npm }),
    ...(warn === undefined ? {} : { warn }),
    ...(retryPolicy === undefined ? {} : { retryPolicy }),
  };
  const files = await fetchAll(lock, sources, onTransfer);
  const remote = lock.images.filter(({ from }) => from === undefined);
  const images = await inParallel(remote, downloadConcurrency, (image) => {
    onTransfer({ name: image.name, done: 0, total: undefined });
    return fetchSignedImage(
      image,
      spec.images.find(({ name }) => name === image.name)?.cosign,
      sources,
      lockFile,
    );
  });
  // Asks for the evidence that a build requires while the network is available; the build reports publishers that cannot be
  // reached.
  const unattestedPins = await unattested(spec, lock, sources).then(
    () => [],
    (error: unknown) => {
      if (!(error instanceof SealiftError)) throw error;
      return error.problems;
    },
  );
  const { moved } = await movedTags(lock, spec);
  refuse([...files.problems, ...unattestedPins, ...images.problems, ...moved]);
  return {
    files: files.values.length,
    images: images.values.length,
    bytes: files.values.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** Fetches every file of the lock and checks it. @throws {SealiftError} as {@link fetchBundle} does. */
export async function fetchFiles(
  lock: Lock,
  sources: Sources,
  onTransfer: (transfer: Transfer) => void,
): Promise<void> {
  refuse((await fetchAll(lock, sources, onTransfer)).problems);
}

/** npm packages come first, in few runs of npm. When some fail, the others are kept but not checked. */
async function fetchAll(
  lock: Lock,
  sources: Sources,
  onTransfer: (transfer: Transfer) => void,
): Promise<Results<CachedFile>> {
  const packages = await fetchPackages(lock.files, sources, (name) => {
    onTransfer({ name, done: 0, total: undefined });
  });
  const others = packages.length === 0 ? lock.files : lock.files.filter(({ kind }) => kind !== "npm");
  const files = await inParallel(others, downloadConcurrency, fetcher(lock, sources, onTransfer));
  return { values: files.values, problems: [...packages, ...files.problems] };
}

/** Enough to saturate a connection, few enough not to overload a server. */
export const downloadConcurrency = 4;

/** Fetches one file and adds its progress to the total. */
function fetcher(
  lock: Lock,
  sources: Sources,
  onTransfer: (transfer: Transfer) => void,
): (file: Lock["files"][number]) => ReturnType<typeof fetchFile> {
  const lengths = new Map(lock.files.map((file) => [file, file.bytes]));
  const done = new Map<Lock["files"][number], number>();
  const report = (name: string): void => {
    const known = [...lengths.values()];
    const total = known.reduce<number | undefined>(
      (sum, bytes) => (sum === undefined || bytes === undefined ? undefined : sum + bytes),
      0,
    );
    onTransfer({ name, done: [...done.values()].reduce((sum, bytes) => sum + bytes, 0), total });
  };
  return async (file) => {
    const found = await fetchFile(file, file, sources, (bytes, total) => {
      done.set(file, bytes);
      if (total !== undefined) lengths.set(file, total);
      report(label(file));
    });
    done.set(file, found.bytes);
    lengths.set(file, found.bytes);
    report(label(file));
    return found;
  };
}

/**
 * Builds the bundle of a lock: an OCI image layout with every file and image, the lock, and the signed bundle manifest. The same
 * lock gives the same bytes.
 */
import { constants, copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { refuse } from "../modules/core/errors.ts";
import { bundleFiles } from "./oci/bundle-files.ts";
import { composeArtifact } from "./oci/compose-artifact.ts";
import { pinnedTexts } from "./fetching/app-tar.ts";
import { writeAtomically } from "../modules/core/write-atomically.ts";
import { type Digest, digestOfBytes } from "./io/digest.ts";
import { fetchFiles } from "./fetch.ts";
import { emptyConfig, fileManifest, type Tagged, writeBundleManifest } from "./oci/write-manifest.ts";
import type { Warn } from "./spec/mirrors.ts";
import { imageBytes, placeImage } from "./fetching/images.ts";
import { imagePlatformProblems } from "./fetching/image-platforms.ts";
import { inside, readBundleManifestText, type BundleManifest } from "./oci/layout.ts";
import { type Lock, type LockedFile, readLock, staleness } from "./spec/lock-file.ts";
import type { LockReport } from "./lock.ts";
import { fetchFile, presentFile, type Sources } from "./fetching/fetch-file.ts";
import { fetchSignedImage } from "./fetching/signed-image.ts";
import { withAppImages } from "./locking/lock-app.ts";
import { originProblems } from "./locking/origin-policy.ts";
import { inParallel } from "./io/parallel.ts";
import { pinContentProblems } from "./locking/pin-content.ts";
import { blobMode, placeBlob } from "./oci/place-blob.ts";
import { ownFolder, refuseForeign, replaceBundle } from "./oci/replace-bundle.ts";
import { type SpaceNeed, requireDiskSpace, explainFullDisk } from "./io/disk-space.ts";
import { signBundle } from "./sign.ts";
import { readContent } from "./oci/read-bundle.ts";
import { contentProblems } from "./verify.ts";
import { unattested } from "./locking/attestation.ts";
import { fileRef, label, type BundleSpec } from "./spec/bundle-spec.ts";
import { readBundleSpec } from "./spec/read-bundle-spec.ts";

export interface BuildOptions {
  readonly bundleFile: string;
  readonly lockFile: string;
  /** Folder of the download cache. */
  readonly store: string;
  /** Output directory. An existing bundle is replaced; anything else is refused. */
  readonly directory: string;
  /** Key to sign with; absent: the bundle stays unsigned and verify refuses it. */
  readonly key?: string;
  /** Archive that will be packed from the bundle: the free space for it is checked as well. */
  readonly carry?: string;
  readonly report?: LockReport;
  readonly warn?: Warn;
}

/**
 * Builds the bundle, and signs it when there is a key. All work happens in `<directory>.part`; the bundle appears whole or not at
 * all.
 *
 * @throws {SealiftError} E_LOCK_MISSING, E_LOCK_STALE, E_PIN_ORIGIN, E_PIN_SIGNATURE, E_PIN_SOURCES, E_DOWNLOAD,
 * E_DOWNLOAD_SHA256, E_PIN_MISMATCH, E_ARCHIVE, E_IMAGE, E_IMAGE_SIGNATURE, E_BUNDLE_PLATFORM, E_NO_SPACE, E_SIGNING_KEY, E_TOOL;
 * E_VALUE when `directory` contains something other than a bundle.
 */
export async function buildBundle(options: BuildOptions): Promise<BundleManifest> {
  const { bundleFile, lockFile, store, warn, report = () => undefined } = options;
  const directory = resolve(options.directory);
  const lock = await readLock(lockFile);
  const spec = withAppImages(await readBundleSpec(bundleFile), lock.files);
  refuse([
    ...staleness(spec, lock, lockFile),
    ...imagePlatformProblems(spec.images, lock.images, spec.platforms, bundleFile),
  ]);
  // Problems that need no network are reported before anything is downloaded.
  refuse(originProblems(spec, lock, lockFile, new Map()));
  await refuseForeign(directory);
  const part = `${directory}.part`;
  await rm(part, { recursive: true, force: true });
  const sources = {
    ...{ bundleFile, store, mirrors: spec.mirrors },
    ...(spec.npm === undefined ? {} : { npm: spec.npm }),
    ...(warn === undefined ? {} : { warn }),
  };
  await requireDiskSpace(await needsOf(lock, options, sources));
  const here = await Promise.all(lock.files.map((file) => presentFile(file, sources)));
  const missing = lock.files.filter((_file, at) => here[at] === undefined);
  await fetchFiles({ ...lock, files: missing }, sources, ({ name, done, total }) => {
    report(name, total === undefined ? undefined : done / total);
  });
  refuse(originProblems(spec, lock, lockFile, await unattested(spec, lock, sources)));
  try {
    return await explainFullDisk(directory, () => fill(spec, lock, part, options, sources));
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw error;
  }
}

async function fill(
  spec: BundleSpec,
  lock: Lock,
  part: string,
  { lockFile, directory, key, report = () => undefined }: BuildOptions,
  sources: Sources,
): Promise<BundleManifest> {
  await ownFolder(part);
  await mkdir(join(part, inside.blobs), { recursive: true });
  const tags: Tagged[] = [...(await addFiles(lock.files, part, report, sources))];
  for (const file of lock.files)
    tags.push(...(await addArtifact(file, lock, join(part, inside.blobs), sources)));
  for (const image of lock.images) {
    report(`packing ${image.name}`);
    const { cosign } = spec.images.find(({ name }) => name === image.name) ?? {};
    const fetchImage = (): Promise<string> => fetchSignedImage(image, cosign, sources, lockFile);
    tags.push(...(await placeImage(image, join(part, inside.blobs), sources.bundleFile, fetchImage)));
  }
  await copyFile(lockFile, join(part, inside.lock), constants.COPYFILE_EXCL);
  const bundleManifest = await writeBundleManifest(part, lock, tags);
  // Everything was hashed when it was written: only the names and lengths that verify requires are left to check.
  const files = await bundleFiles(part);
  const content = await readContent(part, await readBundleManifestText(part));
  const found = { found: files.blobs, broken: new Set<string>(), bytes: 0, problems: files.problems };
  refuse(contentProblems(part, content, found));
  if (key !== undefined) await signBundle(part, key);
  await replaceBundle(resolve(directory), part);
  return bundleManifest;
}

async function addFiles(
  files: readonly LockedFile[],
  part: string,
  report: LockReport,
  sources: Sources,
): Promise<readonly Tagged[]> {
  if (files.length > 0)
    await writeFile(join(part, inside.blobs, emptyConfig.sha256), emptyConfig.text, {
      mode: blobMode,
      flag: "wx",
    });
  const { values, problems } = await inParallel(
    files.filter(({ sha256 }, at) => files.findIndex((other) => other.sha256 === sha256) === at),
    fileConcurrency,
    async (first) => {
      const same = files.filter(({ sha256 }) => sha256 === first.sha256);
      report(`packing ${same.map(label).join(", ")}`);
      const blobs = join(part, inside.blobs);
      const { path, bytes } = await place(first, blobs, sources);
      const blob = join(blobs, first.sha256);
      refuse((await Promise.all(same.map((file) => pinContentProblems(file, blob, bytes)))).flat());
      return Promise.all(
        same.map((file) => describeFile(file, fileManifest(file, bytes, basename(path)), blobs)),
      );
    },
  );
  refuse(problems);
  return values.flat();
}

/** An application in the form that compose itself reads, beside its tar. */
async function addArtifact(
  file: LockedFile,
  lock: Lock,
  blobs: string,
  sources: Sources,
): Promise<readonly Tagged[]> {
  const artifact = composeArtifact(file, lock);
  if (artifact === undefined) return [];
  const texts = await pinnedTexts(file, artifact.paths, sources);
  for (const text of [artifact.images, ...texts]) await writeBlob(text, blobs);
  const { sha256, bytes: size } = await writeBlob(artifact.manifest, blobs);
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  return [{ ref: artifact.ref, descriptor: { mediaType, digest: `sha256:${sha256}`, size } }];
}

/** Two versions may have the same file, and two files the same manifest. */
async function writeBlob(text: Uint8Array | string, blobs: string): Promise<Digest> {
  const digest = digestOfBytes(text);
  await writeAtomically(join(blobs, digest.sha256), text, blobMode);
  return digest;
}

/** Hashes a cached file while it is copied; its content is examined only when the hash differs or the file cannot be read. */
async function place(
  file: LockedFile,
  blobs: string,
  sources: Sources,
): Promise<{ readonly path: string; readonly bytes: number }> {
  const here = await presentFile(file, sources);
  const bytes = here === undefined ? undefined : await tried(() => placeBlob(file.sha256, here, blobs));
  if (here !== undefined && bytes !== undefined) return { path: here, bytes };
  await rm(join(blobs, file.sha256), { force: true });
  const { path } = await fetchFile(file, file, sources);
  return { path, bytes: await placeBlob(file.sha256, path, blobs) };
}

async function tried<T>(work: () => Promise<T>): Promise<T | undefined> {
  return work().catch(() => undefined);
}

/** What will be written where. Cached downloads need no further space. */
async function needsOf(
  lock: Lock,
  { store, directory, carry }: BuildOptions,
  sources: Sources,
): Promise<readonly SpaceNeed[]> {
  const sum = (sizes: readonly number[]): number => sizes.reduce((all, one) => all + one, 0);
  const images = await inParallel(lock.images, imageConcurrency, (image) => imageBytes(image, sources));
  refuse(images.problems);
  const files = new Map(lock.files.map((file) => [file.sha256, file]));
  const sizes = [...files.values()].map(({ bytes = 0 }) => bytes);
  const here = await Promise.all([...files.values()].map((file) => presentFile(file, sources)));
  const coming = [...files.values()].filter((_file, at) => here[at] === undefined);
  const bytes = sum(sizes) + sum(images.values);
  return [
    { what: "downloads", path: store, bytes: sum(coming.map((file) => file.bytes ?? 0)) },
    { what: "the bundle", path: directory, bytes },
    ...(carry === undefined ? [] : [{ what: "the archive", path: carry, bytes }]),
  ];
}

const imageConcurrency = 4;
/** One file is read while another one is hashed or written. */
const fileConcurrency = 4;

/** The file is already among the blobs. */
async function describeFile(file: LockedFile, manifest: string, blobs: string): Promise<Tagged> {
  const { bytes: size, sha256 } = await writeBlob(manifest, blobs);
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  return { ref: fileRef(file), descriptor: { mediaType, digest: `sha256:${sha256}`, size } };
}

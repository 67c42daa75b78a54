/**
 * Builds the bundle that a lock describes: an OCI image layout with every file and image, the lock, and the text that gets
 * signed. The same lock gives the same bytes.
 */
import { existsSync } from "node:fs";
import { constants, copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { refuse } from "../modules/core/errors.ts";
import { bundleFiles } from "./bundle-files.ts";
import { digestOfBytes } from "./digest.ts";
import { fetchFiles } from "./fetch.ts";
import { emptyConfig, fileManifest } from "./file-manifest.ts";
import type { Warn } from "./first-place.ts";
import { imageBytes, placeImage, type Tagged } from "./images.ts";
import { imagePlatformProblems } from "./image-platforms.ts";
import { inside, readSealText, type Seal } from "./layout.ts";
import { locateUrl } from "./local-source.ts";
import { type Lock, type LockedFile, readLock, staleness } from "./lock-file.ts";
import type { Report } from "./lock.ts";
import { obtainFile, presentFile, type Sources } from "./obtain-file.ts";
import { obtainSigned } from "./obtain-signed.ts";
import { originProblems } from "./origin.ts";
import { inParallel } from "./parallel.ts";
import { pinContentProblems } from "./pin-content.ts";
import { blobMode, placeBlob } from "./place-blob.ts";
import { ownFolder, refuseForeign, replaceBundle } from "./replace-bundle.ts";
import { type Need, requireRoom, withinRoom } from "./room.ts";
import { sealBundle } from "./seal.ts";
import { signBundle } from "./sign.ts";
import { readContent } from "./read-bundle.ts";
import { contentProblems } from "./verify.ts";
import { unproven } from "./vouching.ts";
import { fileRef, label, readWant, type Want } from "./want.ts";

export interface BuildOptions {
  readonly bundleFile: string;
  readonly lockFile: string;
  /** Folder for downloads. */
  readonly store: string;
  /** Where the bundle goes. A bundle that is there already is replaced, anything else is refused. */
  readonly directory: string;
  /** Key to sign with; absent: the bundle stays unsigned and verify refuses it. */
  readonly key?: string;
  /** Carried file that will be made of it: its room is asked for as well. */
  readonly carry?: string;
  readonly report?: Report;
  readonly warn?: Warn;
}

/**
 * Builds, and signs when there is a key. Everything happens in `<directory>.part`; the bundle appears whole or not at all.
 *
 * @throws {SealiftError} E_LOCK_MISSING, E_LOCK_STALE, E_PIN_ORIGIN, E_PIN_SIGNATURE, E_PIN_SOURCES, E_DOWNLOAD, E_DOWNLOAD_SHA256, E_PIN, E_ARCHIVE,
 * E_IMAGE, E_IMAGE_SIGNATURE, E_BUNDLE_PLATFORM, E_SPACE, E_SIGNING_KEY, E_TOOL; E_VALUE when `directory` holds something that is no bundle.
 */
export async function buildBundle(options: BuildOptions): Promise<Seal> {
  const { bundleFile, lockFile, store, warn, report = () => undefined } = options;
  const directory = resolve(options.directory);
  const want = await readWant(bundleFile);
  const lock = await readLock(lockFile);
  refuse([
    ...staleness(want, lock, lockFile),
    ...imagePlatformProblems(want.images, lock.images, want.platforms, bundleFile),
  ]);
  // What needs nobody's answer is told before anything is brought here.
  refuse(originProblems(want, lock, lockFile, new Map()));
  await refuseForeign(directory);
  const part = `${directory}.part`;
  await rm(part, { recursive: true, force: true });
  const sources = { bundleFile, store, mirrors: want.mirrors, ...(warn === undefined ? {} : { warn }) };
  await requireRoom(await needsOf(lock, options, sources));
  const here = await Promise.all(lock.files.map((file) => presentFile(file, sources)));
  const missing = lock.files.filter((_file, at) => here[at] === undefined);
  await fetchFiles({ ...lock, files: missing }, sources, ({ name, done, total }) => {
    report(name, total === undefined ? undefined : done / total);
  });
  refuse(originProblems(want, lock, lockFile, await unproven(want, lock, sources)));
  try {
    return await withinRoom(directory, () => fill(want, lock, part, options, sources));
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw error;
  }
}

async function fill(
  want: Want,
  lock: Lock,
  part: string,
  { lockFile, directory, key, report = () => undefined }: BuildOptions,
  sources: Sources,
): Promise<Seal> {
  await ownFolder(part);
  await mkdir(join(part, inside.blobs), { recursive: true });
  const tags: Tagged[] = [...(await addFiles(lock.files, part, report, sources))];
  for (const image of lock.images) {
    report(`packing ${image.name}`);
    const { cosign } = want.images.find(({ name }) => name === image.name) ?? {};
    const obtain = (): Promise<string> => obtainSigned(image, cosign, sources, lockFile);
    tags.push(...(await placeImage(image, join(part, inside.blobs), sources.bundleFile, obtain)));
  }
  await copyFile(lockFile, join(part, inside.lock), constants.COPYFILE_EXCL);
  const seal = await sealBundle(part, lock, tags);
  // Everything was hashed as it was written: what is left are the names and lengths that verify will ask for.
  const files = await bundleFiles(part);
  const content = await readContent(part, await readSealText(part));
  const found = { found: files.blobs, broken: new Set<string>(), bytes: 0, problems: files.problems };
  refuse(contentProblems(part, content, found));
  if (key !== undefined) await signBundle(part, key);
  await replaceBundle(resolve(directory), part);
  return seal;
}

async function addFiles(
  files: readonly LockedFile[],
  part: string,
  report: Report,
  sources: Sources,
): Promise<readonly Tagged[]> {
  if (files.length > 0)
    await writeFile(join(part, inside.blobs, emptyConfig.sha256), emptyConfig.text, {
      mode: blobMode,
      flag: "wx",
    });
  const { values, problems } = await inParallel(
    files.filter(({ sha256 }, at) => files.findIndex((other) => other.sha256 === sha256) === at),
    filesAtOnce,
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

/** What is here is hashed as it is copied, and looked into only when it is not what it must be, or cannot be read. */
async function place(
  file: LockedFile,
  blobs: string,
  sources: Sources,
): Promise<{ readonly path: string; readonly bytes: number }> {
  const here = await presentFile(file, sources);
  const bytes = here === undefined ? undefined : await tried(() => placeBlob(file.sha256, here, blobs));
  if (here !== undefined && bytes !== undefined) return { path: here, bytes };
  await rm(join(blobs, file.sha256), { force: true });
  const { path } = await obtainFile(file, file, sources);
  return { path, bytes: await placeBlob(file.sha256, path, blobs) };
}

async function tried<T>(work: () => Promise<T>): Promise<T | undefined> {
  return work().catch(() => undefined);
}

/** What will be written where. Downloads that are there already need no room again. */
async function needsOf(
  lock: Lock,
  { bundleFile, store, directory, carry }: BuildOptions,
  sources: Sources,
): Promise<readonly Need[]> {
  const sum = (sizes: readonly number[]): number => sizes.reduce((all, one) => all + one, 0);
  const images = await inParallel(lock.images, imagesAtOnce, (image) => imageBytes(image, sources));
  refuse(images.problems);
  const files = new Map(lock.files.map((file) => [file.sha256, file]));
  const sizes = [...files.values()].map(({ bytes = 0 }) => bytes);
  const coming = [...files.values()].filter(
    (file) => locateUrl(file.url, bundleFile).protocol !== "file:" && !existsSync(join(store, file.sha256)),
  );
  const bytes = sum(sizes) + sum(images.values);
  return [
    { what: "downloads", path: store, bytes: sum(coming.map((file) => file.bytes ?? 0)) },
    { what: "the bundle", path: directory, bytes },
    ...(carry === undefined ? [] : [{ what: "the carried bundle", path: carry, bytes }]),
  ];
}

const imagesAtOnce = 4;
/** One is read while another is hashed or written. */
const filesAtOnce = 4;

/** The file is among the blobs already. */
async function describeFile(file: LockedFile, manifest: string, blobs: string): Promise<Tagged> {
  const { bytes: size, sha256 } = digestOfBytes(Buffer.from(manifest));
  await writeFile(join(blobs, sha256), manifest, { mode: blobMode, flag: "wx" });
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  return { ref: fileRef(file), descriptor: { mediaType, digest: `sha256:${sha256}`, size } };
}

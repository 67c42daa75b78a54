/**
 * Builds the bundle that a lock describes: an OCI image layout with every file and image, the lock, and the text that gets
 * signed. The same lock gives the same bytes.
 */
import { existsSync } from "node:fs";
import { copyFile, mkdir, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { refuse } from "../modules/core/errors.ts";
import { fetchFiles } from "./fetch.ts";
import type { Warn } from "./first-place.ts";
import { copyImage, imageBytes } from "./images.ts";
import { inside, type Seal } from "./layout.ts";
import { type Lock, type LockedFile, readLock, staleness } from "./lock-file.ts";
import type { Report } from "./lock.ts";
import type { Sources } from "./obtain-file.ts";
import { oras } from "./oras.ts";
import { hexOf, readIndex, readManifest, refName } from "./manifests.ts";
import { inParallel } from "./parallel.ts";
import { changedMeanwhile, placeBlob } from "./place-blob.ts";
import { refuseForeign, replaceBundle } from "./replace-bundle.ts";
import { type Need, requireRoom, withinRoom } from "./room.ts";
import { sealBundle } from "./seal.ts";
import { signBundle } from "./sign.ts";
import { fileRef, label, locateUrl, readWant } from "./want.ts";

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
 * @throws {SealiftError} E_LOCK_MISSING, E_LOCK_STALE, E_DOWNLOAD, E_DOWNLOAD_SHA256, E_PIN, E_SPACE, E_SIGNING_KEY, E_TOOL;
 * E_VALUE
 * when `directory` holds something that is no bundle.
 */
export async function buildBundle(options: BuildOptions): Promise<Seal> {
  const { bundleFile, lockFile, store, warn, report = () => undefined } = options;
  const directory = resolve(options.directory);
  const want = await readWant(bundleFile);
  const lock = await readLock(lockFile);
  refuse(staleness(want, lock, lockFile));
  await refuseForeign(directory);
  const part = `${directory}.part`;
  await rm(part, { recursive: true, force: true });
  const sources = { bundleFile, store, mirrors: want.mirrors, ...(warn === undefined ? {} : { warn }) };
  await requireRoom(await needsOf(lock, options, sources));
  const paths = await fetchFiles(lock, sources, ({ name, done, total }) => {
    report(name, total === undefined ? undefined : done / total);
  });
  try {
    return await withinRoom(directory, () => fill(lock, paths, part, options, sources));
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw error;
  }
}

async function fill(
  lock: Lock,
  paths: ReadonlyMap<string, string>,
  part: string,
  { lockFile, directory, key, report = () => undefined }: BuildOptions,
  sources: Sources,
): Promise<Seal> {
  await mkdir(join(part, inside.blobs), { recursive: true });
  await addFiles(lock.files, paths, part, report);
  for (const image of lock.images) {
    report(`packing ${image.name}`);
    await copyImage(image, part, sources);
  }
  await copyFile(lockFile, join(part, inside.lock));
  const seal = await sealBundle(part, lock);
  if (key !== undefined) await signBundle(part, key);
  await replaceBundle(resolve(directory), part);
  return seal;
}

/** Further files are copied while one is described. */
async function addFiles(
  files: readonly LockedFile[],
  paths: ReadonlyMap<string, string>,
  part: string,
  report: Report,
): Promise<void> {
  let before: Promise<unknown> = Promise.resolve();
  const { problems } = await inParallel(
    [...new Set(files.map(({ sha256 }) => sha256))],
    filesAtOnce,
    async (sha256) => {
      const path = paths.get(sha256) ?? "";
      const same = files.filter((file) => file.sha256 === sha256);
      report(`packing ${same.map(label).join(", ")}`);
      await placeBlob(sha256, path, join(part, inside.blobs));
      // Two at once would write the same index.
      const described = before.then(async () => {
        for (const file of same) await describeFile(file, path, part);
      });
      before = described.catch(() => undefined);
      await described;
    },
  );
  refuse(problems);
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

/** The type under which a host file travels; its one layer is the file as it is. */
const fileArtifactType = "application/vnd.sealift.file.v1";

/** The manifest must not say when it was made, or two builds would differ. */
const timeless = "org.opencontainers.image.created=1970-01-01T00:00:00Z";

/** What oras finds among the blobs it does not copy: it writes the manifest and the index. */
async function describeFile(file: LockedFile, path: string, directory: string): Promise<void> {
  const about = [
    timeless,
    `org.opencontainers.image.version=${file.version}`,
    `org.opencontainers.image.licenses=${file.licence}`,
    `vnd.sealift.platform=${file.platform}`,
  ].flatMap((annotation) => ["--annotation", annotation]);
  const target = ["--oci-layout-path", directory, fileRef(file)];
  // oras writes down the path it is given as the title: run where the file is, so that the title is its bare name.
  await oras(
    [
      "push",
      "--no-tty",
      "--artifact-type",
      fileArtifactType,
      ...about,
      ...target,
      `${basename(path)}:application/octet-stream`,
    ],
    dirname(path),
  );
  const top = (await readIndex(directory)).manifests?.find(
    ({ annotations }) => annotations?.[refName] === fileRef(file),
  );
  const layer = top === undefined ? undefined : (await readManifest(directory, top.digest)).layers?.[0];
  const sha256 = layer === undefined ? undefined : hexOf(layer.digest);
  if (sha256 !== file.sha256) throw changedMeanwhile(path, sha256, file.sha256);
}

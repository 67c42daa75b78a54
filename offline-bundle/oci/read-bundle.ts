/**
 * Reads a bundle from its manifest down, without signatures: each file is read once, hashed, and parsed from exactly the hashed
 * bytes. A second read of the medium could return other bytes, so there is none.
 */
import { join } from "node:path";
import { type Problem, refuse, SealiftError } from "../../modules/core/errors.ts";
import { bundleFiles } from "./bundle-files.ts";
import { type Digest, digestOfBytes } from "../io/digest.ts";
import { inside, markerText } from "../io/inside.ts";
import {
  blobPathIn,
  type Bundle,
  parseBundleManifest,
  readBundleManifestText,
  type BundleManifest,
} from "./layout.ts";
import { limits } from "../io/limits.ts";
import { type Lock, parseLock } from "../spec/lock-file.ts";
import { tagProblems } from "./lock-tags.ts";
import { lockIndex } from "../spec/lock-index.ts";
import { type Manifest, NoManifest, parseManifest, refName } from "./manifests.ts";
import { isReference } from "../spec/oci-reference.ts";
import { readRegular, UnusableFile } from "../io/regular-file.ts";
import { readTree, type ReadTree } from "./check-layout.ts";

/** What a bundle manifest covers. */
export interface BundleContent {
  readonly manifest: BundleManifest;
  /** Undefined when a problem explains why. */
  readonly lock: Lock | undefined;
  readonly read: ReadTree | undefined;
  /** E_BUNDLE_DIGEST, E_BUNDLE_INCOMPLETE, E_BUNDLE_SERIAL, and the problems of the lock. */
  readonly problems: readonly Problem[];
}

/**
 * Opens a bundle without checking its signatures: for display only. {@link verifyBundle} of verify.ts verifies.
 *
 * @throws {SealiftError} E_BUNDLE_MISSING, and every inconsistency: E_BUNDLE_DIGEST, E_BUNDLE_INCOMPLETE, E_BUNDLE_SERIAL, or the
 * problems of the lock.
 */
export async function openBundle(directory: string): Promise<Bundle> {
  const text = await readBundleManifestText(directory);
  const files = await bundleFiles(directory);
  const content = await readContent(directory, text);
  refuse([...files.problems, ...content.problems]);
  return assembled(directory, text, content);
}

/** Only the lock that a bundle manifest pins. @throws {SealiftError} as {@link openBundle}. */
export async function readPinnedLock(directory: string, text: Uint8Array): Promise<Lock> {
  const bundleManifest = parseBundleManifest(text, directory);
  const read = await readPinned(directory, inside.lock, bundleManifest.lock, limits.document);
  if (!(read instanceof Uint8Array)) throw new SealiftError([read]);
  const lock = await parseLock(read, join(directory, inside.lock));
  refuse(lockDifferences(directory, bundleManifest, lock));
  return lock;
}

/** Index and manifests alone. @throws {SealiftError} E_BUNDLE_DIGEST when a build did not write the manifest. */
export async function readManifests(
  directory: string,
  text: Uint8Array,
): Promise<Omit<BundleContent, "lock">> {
  const manifest = parseBundleManifest(text, directory);
  const indexText = await readPinned(directory, inside.index, manifest.index, limits.index);
  if (!(indexText instanceof Uint8Array)) return { manifest, read: undefined, problems: [indexText] };
  const problems: Problem[] = [];
  const index = indexOf(directory, indexText, problems);
  const read = index === undefined ? undefined : await readTree(directory, index);
  problems.push(
    ...(read?.problems ?? []),
    ...(index === undefined ? [] : indexDifferences(directory, manifest, index)),
  );
  return { manifest, read, problems };
}

/** Reads what a bundle manifest covers. @throws {SealiftError} E_BUNDLE_DIGEST when a build did not write the manifest. */
export async function readContent(directory: string, text: Uint8Array): Promise<BundleContent> {
  const manifest = parseBundleManifest(text, directory);
  const problems: Problem[] = [];
  const pinned = async (name: string, expected: Digest, maxBytes: number): Promise<Buffer | undefined> => {
    const read = await readPinned(directory, name, expected, maxBytes);
    if (read instanceof Uint8Array) return read;
    problems.push(read);
    return undefined;
  };
  await pinned(inside.marker, digestOfBytes(markerText), limits.marker);
  const lockText = await pinned(inside.lock, manifest.lock, limits.document);
  const indexText = await pinned(inside.index, manifest.index, limits.index);
  // The content below a broken index or lock is meaningless.
  const lock = lockText === undefined ? undefined : await lockOf(directory, lockText, problems);
  const index = indexText === undefined ? undefined : indexOf(directory, indexText, problems);
  const read = index === undefined ? undefined : await readTree(directory, index);
  problems.push(
    ...(read?.problems ?? []),
    ...(lock === undefined ? [] : lockDifferences(directory, manifest, lock)),
    ...(index === undefined ? [] : indexDifferences(directory, manifest, index)),
    ...(lock === undefined || read === undefined ? [] : tagProblems(directory, lock, read.tree)),
  );
  return { manifest, lock, read, problems };
}

/** The bundle that was read. @throws {SealiftError} the problems, when a part is missing. */
export function assembled(
  directory: string,
  text: Uint8Array,
  { manifest, lock, read, problems }: BundleContent,
): Bundle {
  if (lock === undefined || read === undefined) throw new SealiftError(problems);
  const blobPath = blobPathIn(directory);
  return {
    ...lockIndex(lock, blobPath),
    ...{ directory, text, manifest, blobPath },
    textSha256: digestOfBytes(text).sha256,
    serial: manifest.serial,
    lockSha256: manifest.lock.sha256,
    tree: read.tree,
  };
}

async function readPinned(
  directory: string,
  name: string,
  digest: Digest,
  maxBytes: number,
): Promise<Buffer | Problem> {
  const where = join(directory, name);
  const fix = "copy the bundle again";
  try {
    const data = await readRegular(where, maxBytes, "refuse");
    const { bytes, sha256 } = digestOfBytes(data);
    if (sha256 === digest.sha256) return data;
    const found = `${bytes} bytes, sha256 ${sha256}`;
    const expected = `${digest.bytes} bytes, sha256 ${digest.sha256}`;
    return { where, code: "E_BUNDLE_DIGEST", subject: name, found, expected, fix };
  } catch (error) {
    const expected = "the file";
    if (error instanceof UnusableFile)
      return { where, code: "E_BUNDLE_DIGEST", subject: name, found: error.message, expected, fix };
    const found = "no such file";
    return { where, code: "E_BUNDLE_INCOMPLETE", subject: name, found, expected, fix };
  }
}

async function lockOf(directory: string, text: Buffer, problems: Problem[]): Promise<Lock | undefined> {
  try {
    return await parseLock(text, join(directory, inside.lock));
  } catch (error) {
    if (!(error instanceof SealiftError)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

function indexOf(directory: string, text: Buffer, problems: Problem[]): Manifest | undefined {
  try {
    return parseManifest(text);
  } catch (error) {
    if (!(error instanceof NoManifest)) throw error;
    problems.push(digestProblem(directory, inside.index, error.message, "an OCI image index"));
    return undefined;
  }
}

/** Bundle manifest and lock must agree on the values that both have. */
function lockDifferences(directory: string, bundleManifest: BundleManifest, lock: Lock): readonly Problem[] {
  const differences: readonly (readonly [string, string, string])[] = [
    ["serial", String(lock.serial), String(bundleManifest.serial)],
    ["platforms", lock.platforms.join(" "), bundleManifest.platforms.join(" ")],
    ["expires", lock.expires ?? "never", bundleManifest.expires ?? "never"],
  ];
  return differences
    .filter(([, ofLock, ofText]) => ofLock !== ofText)
    .map(([what, ofLock, ofText]) => ({
      where: join(directory, inside.lock),
      code: what === "serial" ? "E_BUNDLE_SERIAL" : "E_BUNDLE_DIGEST",
      subject: what,
      found: ofLock,
      expected: `${ofText}, as in ${inside.manifest}`,
      fix: "ask the person who built the bundle: a build writes the same value into both files",
    }));
}

/** Compares the tags of the bundle manifest with those of the index. */
function indexDifferences(
  directory: string,
  { manifests }: BundleManifest,
  index: Manifest,
): readonly Problem[] {
  const tops = index.manifests ?? [];
  const refs = tops.map(({ annotations }) => annotations?.[refName] ?? "");
  const ofIndex = tops.map(({ digest }, at) => `${refs[at] ?? ""} ${digest}`);
  const ofText = manifests.map(({ ref, digest }) => `${ref} ${digest}`);
  if (
    new Set(refs).size === refs.length &&
    refs.every(isReference) &&
    ofIndex.join("\n") === ofText.join("\n")
  )
    return [];
  return [
    digestProblem(
      directory,
      inside.index,
      "the tags differ",
      `the tags that ${inside.manifest} lists, each once`,
    ),
  ];
}

function digestProblem(directory: string, subject: string, found: string, expected: string): Problem {
  const fix = "copy the bundle again; if the problem remains, ask the person who built it";
  return { where: join(directory, subject), code: "E_BUNDLE_DIGEST", subject, found, expected, fix };
}

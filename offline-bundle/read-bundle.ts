/**
 * Reads a bundle from its text down, signatures aside: each file is read once, hashed, and parsed out of the very bytes that were
 * hashed. Whoever asks the medium again may be told something else; nothing here does.
 */
import { join } from "node:path";
import { type Problem, refuse, SealiftError } from "../modules/core/errors.ts";
import { bundleFiles } from "./bundle-files.ts";
import { type Digest, digestOfBytes } from "./digest.ts";
import { inside, markerText } from "./inside.ts";
import { blobPathIn, type Bundle, parseSeal, readSealText, type Seal } from "./layout.ts";
import { limits } from "./limits.ts";
import { type Lock, parseLock } from "./lock-file.ts";
import { tagProblems } from "./lock-tags.ts";
import { lookupIn } from "./lookup.ts";
import { type Manifest, NoManifest, parseManifest, refName } from "./manifests.ts";
import { isReference } from "./oci-reference.ts";
import { readRegular, UnusableFile } from "./regular-file.ts";
import { readTree, type ReadTree } from "./tree.ts";

/** What hangs on the text of a bundle. */
export interface BundleContent {
  readonly seal: Seal;
  /** Undefined when a problem says why. */
  readonly lock: Lock | undefined;
  readonly read: ReadTree | undefined;
  /** E_BUNDLE_DIGEST, E_BUNDLE_INCOMPLETE, E_BUNDLE_SERIAL, and what is wrong in the lock. */
  readonly problems: readonly Problem[];
}

/**
 * Opens a bundle whose signatures nobody has looked at: for reading, not for trusting. {@link verifyBundle} of verify.ts checks.
 *
 * @throws {SealiftError} E_BUNDLE_MISSING, and everything that does not fit together: E_BUNDLE_DIGEST, E_BUNDLE_INCOMPLETE,
 * E_BUNDLE_SERIAL, or what is wrong in the lock.
 */
export async function openBundle(directory: string): Promise<Bundle> {
  const text = await readSealText(directory);
  const files = await bundleFiles(directory);
  const content = await readContent(directory, text);
  refuse([...files.problems, ...content.problems]);
  return assembled(directory, text, content);
}

/** The lock that a text pins, alone. @throws {SealiftError} as {@link openBundle}. */
export async function readPinnedLock(directory: string, text: Uint8Array): Promise<Lock> {
  const seal = parseSeal(text, directory);
  const read = await readPinned(directory, inside.lock, seal.lock, limits.document);
  if (!(read instanceof Uint8Array)) throw new SealiftError([read]);
  const lock = await parseLock(read, join(directory, inside.lock));
  refuse(lockDifferences(directory, seal, lock));
  return lock;
}

/** Reads what hangs on a text. @throws {SealiftError} E_BUNDLE_DIGEST when the text is not what a build writes. */
export async function readContent(directory: string, text: Uint8Array): Promise<BundleContent> {
  const seal = parseSeal(text, directory);
  const problems: Problem[] = [];
  const pinned = async (name: string, wanted: Digest, mostBytes: number): Promise<Buffer | undefined> => {
    const read = await readPinned(directory, name, wanted, mostBytes);
    if (read instanceof Uint8Array) return read;
    problems.push(read);
    return undefined;
  };
  await pinned(inside.marker, digestOfBytes(markerText), limits.marker);
  const lockText = await pinned(inside.lock, seal.lock, limits.document);
  const indexText = await pinned(inside.index, seal.index, limits.index);
  // What hangs on a broken index or lock means nothing.
  const lock = lockText === undefined ? undefined : await lockOf(directory, lockText, problems);
  const index = indexText === undefined ? undefined : indexOf(directory, indexText, problems);
  const read = index === undefined ? undefined : await readTree(directory, index);
  problems.push(
    ...(read?.problems ?? []),
    ...(lock === undefined ? [] : lockDifferences(directory, seal, lock)),
    ...(index === undefined ? [] : indexDifferences(directory, seal, index)),
    ...(lock === undefined || read === undefined ? [] : tagProblems(directory, lock, read.tree)),
  );
  return { seal, lock, read, problems };
}

/** What was read, as a bundle. @throws {SealiftError} the problems, when something of it is not there. */
export function assembled(
  directory: string,
  text: Uint8Array,
  { seal, lock, read, problems }: BundleContent,
): Bundle {
  if (lock === undefined || read === undefined) throw new SealiftError(problems);
  const blobPath = blobPathIn(directory);
  return {
    ...lookupIn(lock, blobPath),
    ...{ directory, text, seal, blobPath },
    textSha256: digestOfBytes(text).sha256,
    serial: seal.serial,
    lockSha256: seal.lock.sha256,
    tree: read.tree,
  };
}

async function readPinned(
  directory: string,
  name: string,
  wanted: Digest,
  mostBytes: number,
): Promise<Buffer | Problem> {
  const where = join(directory, name);
  const todo = "copy the bundle again";
  try {
    const data = await readRegular(where, mostBytes, "refuse");
    const { bytes, sha256 } = digestOfBytes(data);
    if (sha256 === wanted.sha256) return data;
    const got = `${bytes} bytes, sha256 ${sha256}`;
    const expected = `${wanted.bytes} bytes, sha256 ${wanted.sha256}`;
    return { where, code: "E_BUNDLE_DIGEST", subject: name, got, expected, todo };
  } catch (error) {
    const expected = "the file";
    if (error instanceof UnusableFile)
      return { where, code: "E_BUNDLE_DIGEST", subject: name, got: error.message, expected, todo };
    const got = "no such file";
    return { where, code: "E_BUNDLE_INCOMPLETE", subject: name, got, expected, todo };
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

/** Text and lock are of one bundle: what is told of the one is true of the other. */
function lockDifferences(directory: string, seal: Seal, lock: Lock): readonly Problem[] {
  const differences: readonly (readonly [string, string, string])[] = [
    ["serial", String(lock.serial), String(seal.serial)],
    ["platforms", lock.platforms.join(" "), seal.platforms.join(" ")],
    ["expires", lock.expires ?? "never", seal.expires ?? "never"],
  ];
  return differences
    .filter(([, ofLock, ofText]) => ofLock !== ofText)
    .map(([what, ofLock, ofText]) => ({
      where: join(directory, inside.lock),
      code: what === "serial" ? "E_BUNDLE_SERIAL" : "E_BUNDLE_DIGEST",
      subject: what,
      got: ofLock,
      expected: `${ofText}, as ${inside.seal} says`,
      todo: "ask who built it: a build writes the same into both",
    }));
}

/** What has a tag, in the words of the text and of the index. */
function indexDifferences(directory: string, { manifests }: Seal, index: Manifest): readonly Problem[] {
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
  return [digestProblem(directory, inside.index, "other tags", `those that ${inside.seal} lists, each once`)];
}

function digestProblem(directory: string, subject: string, got: string, expected: string): Problem {
  const todo = "copy the bundle again; if it stays, ask who built it";
  return { where: join(directory, subject), code: "E_BUNDLE_DIGEST", subject, got, expected, todo };
}

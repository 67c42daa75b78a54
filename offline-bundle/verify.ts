/**
 * Checks a bundle without any network: signature -> bundle text -> lock and index -> manifests -> every blob. Nothing is
 * trusted before what it hangs on is; everything that is wrong is told at once.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Problem, refuse } from "../modules/core/errors.ts";
import { withNames } from "./blob-names.ts";
import { checkBlobs, type CheckedBlobs } from "./blobs.ts";
import { type Digest, digestOfBytes } from "./digest.ts";
import { type Bundle, inside, markerText, openBundle, parseSeal, readSealText, type Seal } from "./layout.ts";
import { type Lock, readLock } from "./lock-file.ts";
import { checkPolicy, type Policy } from "./policy.ts";
import { checkSignatures } from "./signature.ts";
import { checkTree } from "./tree.ts";
import { label } from "./want.ts";

export interface VerifyOptions extends Policy {
  /** The lock that the bundle must have been built from; absent: any that is signed. */
  readonly lockFile?: string;
  /** Told while the blobs are read: bytes so far, bytes in all. */
  readonly progress?: (bytes: number, total: number) => void;
}

export interface VerifiedBundle extends Bundle {
  /** The first of `signers`. */
  readonly signer: string;
  /** Who signed, each once, in the words of the allowed signers file; empty only with `allowUnsigned`. */
  readonly signers: readonly string[];
  /** What `allowOlder` and `allowUnsigned` have let pass. */
  readonly waived: readonly Problem[];
  /** Good signatures that do not count, and that were not needed: why. */
  readonly passedOver: readonly Problem[];
  readonly blobs: number;
  /** Bytes of all blobs. */
  readonly bytes: number;
}

/**
 * Checks all of a bundle and opens it.
 *
 * @param read blobs that were hashed already, while they came in; absent: all are hashed here.
 * @throws {SealiftError} all of: E_BUNDLE_MISSING, E_BUNDLE_UNSIGNED, E_BUNDLE_SIGNATURE, E_BUNDLE_DIGEST (a byte differs),
 * E_BUNDLE_INCOMPLETE (something is not there), E_BUNDLE_SERIAL, E_BUNDLE_PLATFORM, E_LOCK_MISSING and E_LOCK_STALE (about
 * `lockFile`).
 */
export async function verifyBundle(
  directory: string,
  options: VerifyOptions,
  read?: CheckedBlobs,
): Promise<VerifiedBundle> {
  const text = await readSealText(directory);
  const [{ signers, problems, waived, passedOver }, blobs] = await Promise.all([
    checkSignatures(directory, text, options),
    read ?? checkBlobs(directory, options.progress),
  ]);
  // A text that is not signed is read only to tell more about what is wrong; it ends in a refusal either way.
  const seal = readableSeal(text, directory, [...problems, ...blobs.problems]);
  const policy = await checkPolicy(directory, seal, options);
  refuse([
    ...problems,
    ...(await withNames(blobs.problems, directory, seal)),
    ...(await contentProblems(directory, seal, blobs)),
    ...policy.problems,
    ...(await lockProblems(seal, options.lockFile)),
  ]);
  const bundle = await openBundle(directory);
  return {
    ...bundle,
    signer: signers[0] ?? "nobody",
    signers,
    waived: [...waived, ...policy.waived],
    passedOver,
    blobs: blobs.found.size,
    bytes: blobs.bytes,
  };
}

function readableSeal(text: Buffer, directory: string, known: readonly Problem[]): Seal {
  try {
    return parseSeal(text, directory);
  } catch (error) {
    refuse(known);
    throw error;
  }
}

/** Lock, index and tree against the bundle text. */
async function contentProblems(
  directory: string,
  seal: Seal,
  blobs: CheckedBlobs,
): Promise<readonly Problem[]> {
  const index = await fileProblems(directory, inside.index, seal.index);
  const lock = await fileProblems(directory, inside.lock, seal.lock);
  return [
    ...(await fileProblems(directory, inside.marker, digestOfBytes(markerText))),
    ...lock,
    ...index,
    // What hangs on a broken index or lock means nothing.
    ...(index.length > 0 ? [] : await checkTree(directory, blobs)),
    ...(lock.length > 0
      ? []
      : coverageProblems(directory, await readLock(join(directory, inside.lock)), blobs)),
  ];
}

async function fileProblems(directory: string, name: string, wanted: Digest): Promise<readonly Problem[]> {
  const where = join(directory, name);
  const todo = "copy the bundle again";
  const data = await readFile(where).catch(() => undefined);
  if (data === undefined) {
    return [
      { where, code: "E_BUNDLE_INCOMPLETE", subject: name, got: "no such file", expected: "the file", todo },
    ];
  }
  const { bytes, sha256 } = digestOfBytes(data);
  if (sha256 === wanted.sha256) return [];
  const [got, expected] = [
    `${bytes} bytes, sha256 ${sha256}`,
    `${wanted.bytes} bytes, sha256 ${wanted.sha256}`,
  ];
  return [{ where, code: "E_BUNDLE_DIGEST", subject: name, got, expected, todo }];
}

/** The lock in the checkout must be the very file that the bundle was built from. */
async function lockProblems(seal: Seal, lockFile: string | undefined): Promise<readonly Problem[]> {
  if (lockFile === undefined) return [];
  const todo = "take the lock that belongs to this bundle, or build the bundle from this lock";
  const data = await readFile(lockFile).catch(() => undefined);
  if (data === undefined) {
    const got = "no such file";
    return [
      {
        where: lockFile,
        code: "E_LOCK_MISSING",
        subject: "lock",
        got,
        expected: "the lock of the bundle",
        todo,
      },
    ];
  }
  const { sha256 } = digestOfBytes(data);
  if (sha256 === seal.lock.sha256) return [];
  const serial = await readLock(lockFile).then(
    (lock) => `serial ${lock.serial}, `,
    () => "",
  );
  const [got, expected] = [`${serial}sha256 ${sha256}`, `serial ${seal.serial}, sha256 ${seal.lock.sha256}`];
  return [{ where: lockFile, code: "E_LOCK_STALE", subject: "lock", got, expected, todo }];
}

/** Everything that the lock pins has to be there. */
function coverageProblems(directory: string, lock: Lock, blobs: CheckedBlobs): readonly Problem[] {
  const pins = [
    ...lock.files.map((file) => ({ subject: label(file), sha256: file.sha256 })),
    ...lock.images.map(({ name, digest }) => ({ subject: name, sha256: digest.slice("sha256:".length) })),
  ];
  return pins
    .filter(({ sha256 }) => !blobs.found.has(sha256) && !blobs.broken.has(sha256))
    .map(({ subject, sha256 }) => ({
      where: directory,
      code: "E_BUNDLE_INCOMPLETE",
      subject,
      got: "no blob",
      expected: `the blob ${sha256} that the lock pins`,
      todo: "copy the bundle again, or build it anew",
    }));
}

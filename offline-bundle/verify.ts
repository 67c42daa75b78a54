/**
 * Checks a bundle without any network: signature -> bundle text -> lock and index -> manifests -> every blob. Nothing is parsed
 * before what it hangs on is trusted, and what is handed out is what was hashed.
 */
import { type Problem, refuse } from "../modules/core/errors.ts";
import { withNames } from "./blob-names.ts";
import { checkBlobs, type CheckedBlobs } from "./blobs.ts";
import { bundleFiles } from "./bundle-files.ts";
import { digestOfBytes } from "./digest.ts";
import { type Bundle, readSealText, type Seal } from "./layout.ts";
import { limits } from "./limits.ts";
import { type Lock, parseLock } from "./lock-file.ts";
import { checkPolicy, type Policy } from "./policy.ts";
import { assembled, type BundleContent, readContent } from "./read-bundle.ts";
import { readRegular } from "./regular-file.ts";
import { checkSignatures, type SignatureCheck } from "./signature.ts";
import { unmetProblems } from "./tree.ts";
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
  /** Fingerprints of their keys, and of the authorities of certificates among them, `SHA256:…`, sorted. */
  readonly keys: readonly string[];
  /** What `allowOlder`, `allowExpired` and `allowUnsigned` have let pass. */
  readonly waived: readonly Problem[];
  /** What to tell of it although it passes: no list of accepted bundles, or that it had expired when it was accepted. */
  readonly warnings: readonly Problem[];
  /** Up to which serial somebody has gone back on purpose; absent: nobody has. */
  readonly backFrom?: number | "any";
  /** Good signatures that do not count, and that were not needed: why. */
  readonly passedOver: readonly Problem[];
  readonly blobs: number;
  /** Bytes of all blobs. */
  readonly bytes: number;
}

/** What was checked already, while the bundle came in. */
export interface CheckedOnTheWay {
  /** The bundle text. */
  readonly text: Buffer;
  /** Whose it is. */
  readonly signatures: SignatureCheck;
  readonly blobs: CheckedBlobs;
}

/**
 * Checks all of a bundle and opens it. A bundle whose signatures do not count, or beside which anything else lies, is refused
 * before a byte of it is parsed; everything else that is wrong is told at once.
 *
 * @param read absent: all is read and checked here.
 * @throws {SealiftError} E_BUNDLE_MISSING; E_BUNDLE_UNSIGNED, E_BUNDLE_SIGNATURE; then all of: E_BUNDLE_DIGEST (a byte differs, or
 * something is no regular file), E_BUNDLE_INCOMPLETE (something is not there), E_BUNDLE_SERIAL, E_BUNDLE_EXPIRED, E_BUNDLE_PLATFORM,
 * E_LOCK_MISSING and E_LOCK_STALE (about `lockFile`).
 */
export async function verifyBundle(
  directory: string,
  options: VerifyOptions,
  read?: CheckedOnTheWay,
): Promise<VerifiedBundle> {
  const text = read?.text ?? (await readSealText(directory));
  const files = await bundleFiles(directory);
  const { signers, keys, problems, waived, passedOver } =
    read?.signatures ?? (await checkSignatures(directory, text, options));
  refuse([...problems, ...files.problems]);
  const content = await readContent(directory, text);
  const blobs = read?.blobs ?? (await checkBlobs(directory, files, options.progress, content.read));
  const policy = await checkPolicy(directory, content.seal, digestOfBytes(text).sha256, options);
  refuse([
    ...contentProblems(directory, content, blobs),
    ...policy.problems,
    ...(await lockProblems(content.seal, options.lockFile)),
  ]);
  return {
    ...assembled(directory, text, content),
    signer: signers[0] ?? "nobody",
    signers,
    keys,
    waived: [...waived, ...policy.waived],
    warnings: policy.warnings,
    ...(policy.backFrom === undefined ? {} : { backFrom: policy.backFrom }),
    passedOver,
    blobs: blobs.found.size,
    bytes: blobs.bytes,
  };
}

/** Everything about a bundle but who has signed it and what a site asks: whoever builds one asks the same. */
export function contentProblems(
  directory: string,
  content: BundleContent,
  blobs: CheckedBlobs,
): readonly Problem[] {
  return [
    ...withNames([...blobs.problems, ...content.problems], content),
    ...(content.read === undefined ? [] : unmetProblems(directory, content.read, blobs)),
    ...(content.lock === undefined ? [] : coverageProblems(directory, content.lock, blobs)),
  ];
}

/** The lock in the checkout must be the very file that the bundle was built from. */
async function lockProblems(seal: Seal, lockFile: string | undefined): Promise<readonly Problem[]> {
  if (lockFile === undefined) return [];
  const todo = "take the lock that belongs to this bundle, or build the bundle from this lock";
  const data = await readRegular(lockFile, limits.document, "follow").catch(() => undefined);
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
  const serial = await parseLock(data, lockFile).then(
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

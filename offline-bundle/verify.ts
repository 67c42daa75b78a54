/**
 * Verifies a bundle without a network: signatures -> bundle manifest -> lock and index -> manifests -> every blob. Nothing is
 * parsed before the text that covers it is trusted, and callers get exactly the hashed bytes.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Problem, refuse, SealiftError } from "../modules/core/errors.ts";
import { checkBlobs, type CheckedBlobs, unmetProblems } from "./oci/blobs.ts";
import { bundleFiles } from "./oci/bundle-files.ts";
import { digestOfBytes } from "./io/digest.ts";
import { blobPathIn, type Bundle, readBundleManifestText, type BundleManifest } from "./oci/layout.ts";
import { limits } from "./io/limits.ts";
import { type Lock, parseLock } from "./spec/lock-file.ts";
import { checkPolicy, type Policy } from "./signing/acceptance-policy.ts";
import { assembled, type BundleContent, readContent, readManifests } from "./oci/read-bundle.ts";
import { readRegular } from "./io/regular-file.ts";
import type { Tree } from "./oci/check-layout.ts";
import { checkSignatures } from "./signing/signature.ts";
import { label } from "./spec/bundle-spec.ts";
import { type CheckedOnTheWay, readArchive } from "./archive/read-archive.ts";
import { namingBrokenParts, openArchive } from "./archive/archive-source.ts";
import type { Delta } from "./archive/delta.ts";
import { explainFullDisk } from "./io/disk-space.ts";
import { hexOf } from "./oci/manifests.ts";

export interface VerifyOptions extends Policy {
  /** The lock from which the bundle must have been built; absent: any signed lock. */
  readonly lockFile?: string;
  /** Called while the blobs are read: bytes so far, bytes in total. */
  readonly progress?: (bytes: number, total: number) => void;
}

export interface VerifiedBundle extends Bundle {
  /** The first of `signers`. */
  readonly signer: string;
  /** The signers, each once, as named in the allowed signers file; empty only with `allowUnsigned`. */
  readonly signers: readonly string[];
  /** Fingerprints of their keys, and of the CAs of certificates among them, `SHA256:…`, sorted. */
  readonly keys: readonly string[];
  /** Problems that `allowOlder`, `allowExpired` and `allowUnsigned` have overridden. */
  readonly overridden: readonly Problem[];
  /** Warnings about a bundle that passes: no list of accepted bundles, or that it had expired when it was accepted. */
  readonly warnings: readonly Problem[];
  /** The serial from which somebody went back on purpose; absent: nobody did. */
  readonly backFrom?: number | "any";
  /** Why valid signatures are not trusted that were not needed. */
  readonly ignoredSignatures: readonly Problem[];
  readonly blobs: number;
  /** Bytes of all blobs. */
  readonly bytes: number;
}

/**
 * Verifies a whole bundle and opens it. A bundle whose signatures are not trusted, or with additional files, is refused before a
 * byte of it is parsed; all other problems are reported at once.
 *
 * @param read absent: everything is read and checked here.
 * @throws {SealiftError} E_BUNDLE_MISSING; E_BUNDLE_UNSIGNED, E_BUNDLE_SIGNATURE; then all of: E_BUNDLE_DIGEST (a byte differs,
 * or a file is not regular), E_BUNDLE_INCOMPLETE (a file is missing), E_BUNDLE_SERIAL, E_BUNDLE_EXPIRED, E_BUNDLE_PLATFORM,
 * E_LOCK_MISSING and E_LOCK_STALE (about `lockFile`).
 */
export async function verifyBundle(
  directory: string,
  options: VerifyOptions,
  read?: CheckedOnTheWay,
): Promise<VerifiedBundle> {
  const text = read?.text ?? (await readBundleManifestText(directory));
  const files = await bundleFiles(directory);
  const { signers, keys, problems, overridden, ignoredSignatures } =
    read?.signatures ?? (await checkSignatures(directory, text, options));
  refuse([...problems, ...files.problems]);
  const content = await readContent(directory, text);
  const blobs = read?.blobs ?? (await checkBlobs(directory, files, options.progress, content.read));
  const policy = await checkPolicy(directory, content.manifest, digestOfBytes(text).sha256, options);
  refuse([
    ...contentProblems(directory, content, blobs),
    ...policy.problems,
    ...(await lockProblems(content.manifest, options.lockFile)),
  ]);
  return {
    ...assembled(directory, text, content),
    signer: signers[0] ?? "nobody",
    signers,
    keys,
    overridden: [...overridden, ...policy.overridden],
    warnings: policy.warnings,
    ...(policy.backFrom === undefined ? {} : { backFrom: policy.backFrom }),
    ignoredSignatures,
    blobs: blobs.found.size,
    bytes: blobs.bytes,
  };
}

/** The manifests of a bundle, covered by trusted signatures. */
export interface SignedManifests {
  readonly tree: Tree;
  /** Absolute path of the blob with this sha256: the code that reads it compares its bytes. */
  readonly blobPath: (sha256: string) => string;
}

/**
 * Verifies signatures, policy, index and manifests, but neither lock nor blobs. It needs no other npm package, so it runs before any is
 * installed.
 *
 * @throws {SealiftError} as {@link verifyBundle}.
 */
export async function verifyManifests(directory: string, options: Policy): Promise<SignedManifests> {
  const text = await readBundleManifestText(directory);
  const files = await bundleFiles(directory);
  const { problems } = await checkSignatures(directory, text, options);
  refuse([...problems, ...files.problems]);
  const { manifest, read, problems: found } = await readManifests(directory, text);
  const policy = await checkPolicy(directory, manifest, digestOfBytes(text).sha256, options);
  refuse([...found, ...policy.problems]);
  if (read === undefined) throw new SealiftError(found);
  return { tree: read.tree, blobPath: blobPathIn(directory) };
}

/** All checks of a bundle except signatures and site policy: a build runs the same ones. */
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

/** The lock in the checkout must be the file from which the bundle was built. */
async function lockProblems(
  bundleManifest: BundleManifest,
  lockFile: string | undefined,
): Promise<readonly Problem[]> {
  if (lockFile === undefined) return [];
  const fix = "check out the lock of this bundle, or build the bundle from this lock";
  const data = await readRegular(lockFile, limits.document, "follow").catch(() => undefined);
  if (data === undefined) {
    const found = "no such file";
    return [
      {
        where: lockFile,
        code: "E_LOCK_MISSING",
        subject: "lock",
        found,
        expected: "the lock of the bundle",
        fix,
      },
    ];
  }
  const { sha256 } = digestOfBytes(data);
  if (sha256 === bundleManifest.lock.sha256) return [];
  const serial = await parseLock(data, lockFile).then(
    (lock) => `serial ${lock.serial}, `,
    () => "",
  );
  const [found, expected] = [
    `${serial}sha256 ${sha256}`,
    `serial ${bundleManifest.serial}, sha256 ${bundleManifest.lock.sha256}`,
  ];
  return [{ where: lockFile, code: "E_LOCK_STALE", subject: "lock", found, expected, fix }];
}

/** Everything that the lock pins must be present. */
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
      found: "no blob",
      expected: `the blob ${sha256} that the lock pins`,
      fix: "copy the bundle again, or build it again",
    }));
}

export interface VerifiedArchive extends Omit<VerifiedBundle, "blobPath" | "file" | "engine" | "binary"> {
  /** What must be present for it to be unpacked; absent: nothing. */
  readonly needs?: { readonly base: Delta["base"]; readonly blobs: number; readonly bytes: number };
}

/**
 * Streams an archive once and checks all of it. Blobs that a delta leaves to its base are not checked; the result lists them.
 * Only index, lock and manifests are written, to a temporary folder, and removed again.
 *
 * @param file the archive, its part list, or its first part.
 * @throws {SealiftError} what {@link verifyBundle} throws, E_BUNDLE_PART and E_ARCHIVE.
 */
export async function verifyArchive(file: string, options: VerifyOptions): Promise<VerifiedArchive> {
  const source = await openArchive(file);
  const scratch = await mkdtemp(join(tmpdir(), "sealift-verify-"));
  let needs: VerifiedArchive["needs"];
  try {
    return await explainFullDisk(scratch, () =>
      namingBrokenParts(source, scratch, async () => {
        const read = await readArchive(source, scratch, {
          ...options,
          keep: false,
          known: (_coming, delta, missingFromDelta) => {
            const bytes = missingFromDelta.reduce((sum, blob) => sum + blob.bytes, 0);
            if (delta !== undefined) needs = { base: delta.base, blobs: missingFromDelta.length, bytes };
            return Promise.resolve(new Map(missingFromDelta.map((blob) => [blob.sha256, blob.bytes])));
          },
        });
        const verified = await verifyBundle(scratch, options, read);
        return {
          ...verified,
          directory: file,
          blobs: verified.blobs - (needs?.blobs ?? 0),
          ...(needs === undefined ? {} : { needs }),
        };
      }),
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The same problems; where the subject is a blob's sha256, the blob's name replaces it, and the sha256 moves to the location. */
function withNames(
  problems: readonly Problem[],
  { manifest, lock }: Pick<BundleContent, "manifest" | "lock">,
): readonly Problem[] {
  if (problems.length === 0) return problems;
  const names = new Map([
    ...manifest.manifests.map(({ ref, digest }) => [hexOf(digest), `manifest of ${ref}`] as const),
    ...(lock?.files ?? []).map((file) => [file.sha256, label(file)] as const),
  ]);
  return problems.map((problem) => {
    const name = names.get(problem.subject);
    return name === undefined
      ? problem
      : { ...problem, where: join(problem.where, problem.subject), subject: name };
  });
}

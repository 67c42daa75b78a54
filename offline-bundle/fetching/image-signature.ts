/**
 * Whether the owner of an image has signed its digest with cosign, verified with a public key that the team has. Neither a
 * transparency log nor certificates are consulted: the key is the only trust anchor.
 */
import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { type Problem, SealiftError } from "../../modules/core/errors.ts";
import { firstMirror } from "../spec/mirrors.ts";
import { type Claim, claimsAt } from "./image-claims.ts";
import { limits } from "../io/limits.ts";
import { localPath } from "../spec/local-source.ts";
import type { Sources } from "./fetch-file.ts";
import { referencesOf, repositoryOf, tagOf } from "../spec/oci-reference.ts";
import { printable } from "../io/printable.ts";
import { readRegular } from "../io/regular-file.ts";

export interface ImageKey {
  readonly key: KeyObject;
  /** `sha256:…` of its DER, as `openssl pkey -pubin -outform DER | sha256sum` prints it. */
  readonly fingerprint: string;
}

/**
 * @param path as in bundle.yaml.
 * @throws {SealiftError} E_VALUE for a file that is not a public key, or is outside the folder.
 */
export async function readImageKey(path: string, bundleFile: string): Promise<ImageKey> {
  try {
    const file = await localPath(path, bundleFile);
    const key = createPublicKey(await readRegular(file, limits.publicKey, "refuse"));
    const der = key.export({ type: "spki", format: "der" });
    return { key, fingerprint: `sha256:${createHash("sha256").update(der).digest("hex")}` };
  } catch (error) {
    if (error instanceof SealiftError) throw error;
    throw new SealiftError([
      {
        where: bundleFile,
        code: "E_VALUE",
        subject: path,
        found: error instanceof Error ? error.message : String(error),
        expected: "a public key in PEM, as cosign writes cosign.pub",
        fix: "ask the owner of the image for the key",
      },
    ]);
  }
}

/**
 * @param digest `sha256:…` of the image.
 * @returns the other names in the signatures, when every signature names another repository or tag; otherwise none.
 * @throws {SealiftError} E_IMAGE_SIGNATURE when no signature of this digest is by this key; E_DOWNLOAD when no source could be
 * reached.
 */
export async function verifyImageSignature(
  name: string,
  digest: string,
  { key, fingerprint }: ImageKey,
  { mirrors, warn }: Pick<Sources, "mirrors" | "warn">,
): Promise<readonly string[]> {
  const places = referencesOf(name, mirrors);
  const found = await firstMirror(places, (place) => claimsAt(repositoryOf(place), digest), warn);
  const ours = found.filter(({ text, signature }) => isSignedBy(key, text, signature));
  const right = ours.filter(({ names }) => names.includes(digest));
  if (right.length > 0) return othersOf(name, right);
  const problem: Problem = {
    where: name,
    code: "E_IMAGE_SIGNATURE",
    subject: digest,
    found: describeFound(found, ours),
    expected: `a cosign signature of this digest by the key ${fingerprint}`,
    fix: "ask the owner of the image whether they published it; to skip the check, remove cosign: from bundle.yaml",
  };
  throw new SealiftError([problem]);
}

/** The names in the signatures, made printable, when no signature names this image or no image at all. */
function othersOf(name: string, right: readonly Claim[]): readonly string[] {
  const others = right.flatMap(({ reference }) => (reference === undefined ? [] : [reference]));
  if (others.length < right.length || others.some((one) => namesImage(one, name))) return [];
  return [...new Set(others)].map(printable);
}

/**
 * A signature that names another repository or tag: the owner may have copied the image, or the registry serves another image of
 * theirs under this name. cosign verify accepts it silently (cosign 3.1, specs/SIGNATURE_SPEC.md: `docker-reference` is ignored),
 * so that images copied with their signatures pass; Sealift reports it to the operator.
 */
export function otherName(name: string, others: readonly string[]): Problem {
  return {
    where: name,
    code: "E_IMAGE_SIGNATURE",
    subject: "docker-reference",
    found: `a signature of this digest as ${others.join(", ")}`,
    expected: name,
    fix: "make sure that this is the intended image: its owner has signed it under another name",
  };
}

/** Docker Hub has two names (https://docs.docker.com/reference/cli/docker/image/pull/); a signer may name a tag, or none. */
function namesImage(reference: string, name: string): boolean {
  const plain = (one: string): string => repositoryOf(one).replace(/^index\.docker\.io\//, "docker.io/");
  const tag = tagOf(reference);
  return plain(reference) === plain(name) && (tag === undefined || tag === tagOf(name));
}

/** What was found instead of a signature of this digest by this key. */
function describeFound(found: readonly Claim[], ours: readonly Claim[]): string {
  if (ours.length > 0) return `a signature of ${ours.flatMap(({ names }) => names).join(", ") || "nothing"}`;
  if (found.length > 1) return `${found.length} signatures, none by this key`;
  return found.length === 1 ? "one signature, by another key" : "no signature in the registry";
}

/** ECDSA and RSA over sha256; Ed25519 hashes internally. */
function isSignedBy(key: KeyObject, text: Buffer, signature: Buffer): boolean {
  const hash = key.asymmetricKeyType === "ed25519" ? null : "sha256";
  try {
    return verify(hash, text, key, signature);
  } catch {
    return false;
  }
}

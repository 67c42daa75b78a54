/**
 * Whether the owner of an image has signed its digest with cosign, by a public key that the team has. Neither transparency log nor
 * certificates are asked: the key says it all.
 */
import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { type Problem, SealiftError } from "../modules/core/errors.ts";
import { firstPlace } from "./first-place.ts";
import { type Claim, claimsAt } from "./image-claims.ts";
import { limits } from "./limits.ts";
import { localPath } from "./local-source.ts";
import type { Sources } from "./obtain-file.ts";
import { referencesOf, repositoryOf, tagOf } from "./oci-reference.ts";
import { printable } from "./printable.ts";
import { readRegular } from "./regular-file.ts";

export interface ImageKey {
  readonly key: KeyObject;
  /** `sha256:…` of its DER, as `openssl pkey -pubin -outform DER | sha256sum` prints it. */
  readonly fingerprint: string;
}

/** @param path as bundle.yaml has it. @throws {SealiftError} E_VALUE for what is no public key, or lies elsewhere. */
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
        got: error instanceof Error ? error.message : String(error),
        expected: "a public key in PEM, as cosign writes cosign.pub",
        todo: "ask the owner of the image for it",
      },
    ]);
  }
}

/**
 * @param digest `sha256:…` of the image.
 * @returns the other names that the signatures speak of, when each of them speaks of another repository or another tag; otherwise none.
 * @throws {SealiftError} E_IMAGE_SIGNATURE when no signature of this digest is of this key; E_DOWNLOAD when nobody could be asked.
 */
export async function verifyImageSignature(
  name: string,
  digest: string,
  { key, fingerprint }: ImageKey,
  { mirrors, warn }: Pick<Sources, "mirrors" | "warn">,
): Promise<readonly string[]> {
  const places = referencesOf(name, mirrors);
  const found = await firstPlace(places, (place) => claimsAt(repositoryOf(place), digest), warn);
  const ours = found.filter(({ text, signature }) => isOf(key, text, signature));
  const right = ours.filter(({ names }) => names.includes(digest));
  if (right.length > 0) return othersOf(name, right);
  const problem: Problem = {
    where: name,
    code: "E_IMAGE_SIGNATURE",
    subject: digest,
    got: saidOf(found, ours),
    expected: `a cosign signature of this digest by the key ${fingerprint}`,
    todo: "ask its owner whether it is theirs; without cosign: in bundle.yaml nobody is asked",
  };
  throw new SealiftError([problem]);
}

/** What signatures speak of, as it may be shown, when none of them speaks of this name or of no name at all. */
function othersOf(name: string, right: readonly Claim[]): readonly string[] {
  const others = right.flatMap(({ reference }) => (reference === undefined ? [] : [reference]));
  if (others.length < right.length || others.some((one) => speaksOf(one, name))) return [];
  return [...new Set(others)].map(printable);
}

/**
 * A signature that speaks of another repository or tag: the owner may have copied the image, or the registry shows another image of theirs
 * under this name. cosign verify lets it pass without a word (cosign 3.1, specs/SIGNATURE_SPEC.md: `docker-reference` is ignored), so that
 * images that were copied with their signatures pass; here a person is told.
 */
export function otherName(name: string, others: readonly string[]): Problem {
  return {
    where: name,
    code: "E_IMAGE_SIGNATURE",
    subject: "docker-reference",
    got: `a signature of this digest as ${others.join(", ")}`,
    expected: name,
    todo: "make sure that this is the image that you mean: its owner has signed it under another name",
  };
}

/** Docker Hub has two names (https://docs.docker.com/reference/cli/docker/image/pull/); a signer may name a tag, or none. */
function speaksOf(reference: string, name: string): boolean {
  const plain = (one: string): string => repositoryOf(one).replace(/^index\.docker\.io\//, "docker.io/");
  const tag = tagOf(reference);
  return plain(reference) === plain(name) && (tag === undefined || tag === tagOf(name));
}

/** What was found in place of a signature of the right thing by the right key. */
function saidOf(found: readonly Claim[], ours: readonly Claim[]): string {
  if (ours.length > 0) return `a signature of ${ours.flatMap(({ names }) => names).join(", ") || "nothing"}`;
  if (found.length > 1) return `${found.length} signatures, none of this key`;
  return found.length === 1 ? "a signature, not of this key" : "no signature in the registry";
}

/** ECDSA and RSA over sha256; Ed25519 has its hash within. */
function isOf(key: KeyObject, text: Buffer, signature: Buffer): boolean {
  const hash = key.asymmetricKeyType === "ed25519" ? null : "sha256";
  try {
    return verify(hash, text, key, signature);
  } catch {
    return false;
  }
}

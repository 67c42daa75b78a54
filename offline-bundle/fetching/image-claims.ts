/**
 * The cosign 3.1 signatures of an image in its registry. Anybody may have pushed them: a signature that cannot be read is
 * ignored.
 */
import { refuse, SealiftError } from "../../modules/core/errors.ts";
import { digestOfBytes } from "../io/digest.ts";
import { isRecord, jsonOf } from "../io/json.ts";
import { limits } from "../io/limits.ts";
import {
  type Descriptor,
  hexOf,
  isDigest,
  type Manifest,
  NoManifest,
  parseManifest,
} from "../oci/manifests.ts";
import { orasBytes, timeLimit, undefinedWhenAbsent } from "../oci/oras.ts";
import { inParallel } from "../io/parallel.ts";

/** A signed statement: its bytes, and the image digests that it names. */
export interface Claim {
  readonly text: Buffer;
  readonly signature: Buffer;
  readonly names: readonly string[];
  /** The repository or tag that the signer named, `docker-reference`; absent: none, as cosign signs since 3.0. */
  readonly reference?: string;
}

/** Limits for one image at one source, over both storage formats together. */
export interface ClaimBounds {
  /** How many signatures are read: the newest, half of them of each format. */
  readonly count: number;
  /** After this many bytes of manifests and signatures, no older signature is read. */
  readonly bytes: number;
  /** In milliseconds; a source that takes longer has failed. */
  readonly ms: number;
}

/**
 * @param digest `sha256:…` of the image.
 * @throws {SealiftError} E_DOWNLOAD, also when all requests together exceed the time limit; E_TOOL.
 */
export async function claimsAt(
  repository: string,
  digest: string,
  bounds: ClaimBounds = limits.claims,
): Promise<readonly Claim[]> {
  const limit = timeLimit(bounds.ms);
  const claims: ClaimRequest = { repository, bounds, until: limit.signal, read: 0 };
  try {
    return [...(await attachedClaims(claims, digest)), ...(await referring(claims, digest))];
  } finally {
    limit.end();
  }
}

/** What all requests about one image share. */
interface ClaimRequest {
  readonly repository: string;
  readonly bounds: ClaimBounds;
  readonly until: AbortSignal;
  /** Bytes read so far. */
  read: number;
}

const payloadType = "application/vnd.dev.cosign.simplesigning.v1+json";
const signatureOf = "dev.cosignproject.cosign/signature";

/** SIGNATURE_SPEC.md: one layer per signature, under a tag derived from the digest. */
async function attachedClaims(claims: ClaimRequest, digest: string): Promise<readonly Claim[]> {
  const tag = `${claims.repository}:${digest.replace(":", "-")}.sig`;
  const manifest = await manifestAt(claims, tag).catch((error: unknown) => {
    if (!isUnreadable(error)) undefinedWhenAbsent(error);
    return undefined;
  });
  const signed = (manifest?.layers ?? []).filter(
    ({ mediaType, size, annotations }) =>
      mediaType === payloadType && size <= limits.claim && annotations?.[signatureOf] !== undefined,
  );
  return ofEach(claims, signed, async (layer) => {
    const text = await blob(claims, layer);
    const critical = recordOf(recordOf(jsonOf(text))["critical"]);
    const image = critical["type"] === "cosign container image signature" ? recordOf(critical["image"]) : {};
    const name = image["docker-manifest-digest"];
    const signature = Buffer.from(layer.annotations?.[signatureOf] ?? "", "base64");
    const reference = recordOf(critical["identity"])["docker-reference"];
    const spokenOf = typeof reference === "string" && reference !== "" ? { reference } : {};
    return [{ text, signature, names: typeof name === "string" ? [name] : [], ...spokenOf }];
  });
}

const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";
const statementType = "application/vnd.in-toto+json";

/** BUNDLE_SPEC.md, the format of cosign since 3.0: one manifest per signature, which names the image as its subject. */
async function referring(claims: ClaimRequest, digest: string): Promise<readonly Claim[]> {
  // Referrers of referrers are irrelevant: oras would ask for each of them.
  const verb = ["discover", "--format", "json", "--depth", "1", "--artifact-type", bundleType];
  const listed = recordOf(jsonOf(await request(claims, verb, `${claims.repository}@${digest}`, limits.list)));
  const referrers = listOf(listed["referrers"] ?? listed["manifests"])
    .map((one) => recordOf(one)["digest"])
    .filter(isDigest);
  return ofEach(claims, referrers, async (one) => {
    const [layer] = (await manifestAt(claims, `${claims.repository}@${one}`)).layers ?? [];
    // An attestation of megabytes, such as an SBOM, is stored in the same way.
    if (layer?.mediaType !== bundleType || layer.size > limits.claim) return [];
    const envelope = recordOf(recordOf(jsonOf(await blob(claims, layer)))["dsseEnvelope"]);
    return envelope["payloadType"] === statementType ? claimsOf(envelope) : [];
  });
}

/**
 * DSSE 1.0.2: the signed bytes are the payload with its type and both lengths as a prefix. An envelope may have many signatures,
 * that of a bundle has exactly one (sigstore_bundle.proto, v0.3); a second one is refused, so that one envelope costs one
 * verification.
 */
function claimsOf({ payload, signatures }: Readonly<Record<string, unknown>>): readonly Claim[] {
  const [one, ...more] = listOf(signatures);
  const { sig } = recordOf(one);
  if (typeof payload !== "string" || typeof sig !== "string" || more.length > 0) return [];
  const body = Buffer.from(payload, "base64");
  const { predicateType, subject } = recordOf(jsonOf(body));
  const names =
    predicateType === "https://sigstore.dev/cosign/sign/v1"
      ? listOf(subject).flatMap((each) => {
          const { sha256 } = recordOf(recordOf(each)["digest"]);
          return typeof sha256 === "string" ? [`sha256:${sha256}`] : [];
        })
      : [];
  const head = `DSSEv1 ${Buffer.byteLength(statementType)} ${statementType} ${body.length} `;
  return [{ text: Buffer.concat([Buffer.from(head), body]), signature: Buffer.from(sig, "base64"), names }];
}

/**
 * The newest come first: an early writer cannot crowd out later signatures, and neither can unreadable ones, which are not
 * counted.
 */
async function ofEach<T>(
  claims: ClaimRequest,
  items: readonly T[],
  work: (item: T) => Promise<readonly Claim[]>,
): Promise<readonly Claim[]> {
  const { count, bytes } = claims.bounds;
  const newest = items.slice(-Math.ceil(count / 2)).reverse();
  const { values, problems } = await inParallel(newest, claimConcurrency, async (item) =>
    claims.read < bytes
      ? work(item).catch((error: unknown) => {
          if (isUnreadable(error)) return [];
          throw error;
        })
      : [],
  );
  refuse(problems);
  return values.flat();
}

/** Each request is a process of its own. */
const claimConcurrency = 4;

/** Whether the content was received and is invalid, as opposed to a request without a response. */
function isUnreadable(error: unknown): boolean {
  const isPin =
    error instanceof SealiftError && error.problems.every(({ code }) => code === "E_PIN_MISMATCH");
  return isPin || error instanceof NoManifest;
}

/** @throws {SealiftError} E_DOWNLOAD. @throws {NoManifest} for anything that is not a manifest. */
async function manifestAt(claims: ClaimRequest, reference: string): Promise<Manifest> {
  return parseManifest(await request(claims, ["manifest", "fetch"], reference, limits.manifest));
}

/**
 * @throws {SealiftError} E_PIN_MISMATCH when the registry returns other bytes than the digest names; E_DOWNLOAD when there are
 * too many.
 */
async function blob(claims: ClaimRequest, { digest }: Descriptor): Promise<Buffer> {
  const where = `${claims.repository}@${digest}`;
  const bytes = await request(claims, ["blob", "fetch", "--no-tty", "--output", "-"], where, limits.claim);
  const { sha256 } = digestOfBytes(bytes);
  if (sha256 === hexOf(digest)) return bytes;
  const fix = "run the command again; if it fails again, ask the registry administrator";
  throw new SealiftError([
    { where, code: "E_PIN_MISMATCH", subject: "sha256", found: sha256, expected: hexOf(digest), fix },
  ]);
}

/** @param most in bytes. @throws {SealiftError} E_DOWNLOAD, also when the time limit of all requests has passed. */
async function request(
  claims: ClaimRequest,
  verb: readonly string[],
  name: string,
  most: number,
): Promise<Buffer> {
  const bytes = await orasBytes(verb, [name], ".", { code: "E_DOWNLOAD", most, until: claims.until });
  claims.read += bytes.length;
  return bytes;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

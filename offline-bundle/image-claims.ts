/** What people have signed of an image with cosign 3.1, as its registry keeps it. Anybody may have written it: what cannot be read is nobody's. */
import { refuse, SealiftError } from "../modules/core/errors.ts";
import { digestOfBytes } from "./digest.ts";
import { isRecord, jsonOf } from "./json.ts";
import { limits } from "./limits.ts";
import { type Descriptor, hexOf, isDigest, type Manifest, NoManifest, parseManifest } from "./manifests.ts";
import { orasBytes, timeLimit, undefinedWhenAbsent } from "./oras.ts";
import { inParallel } from "./parallel.ts";

/** What somebody has signed: the bytes, and the digests of images that they speak of. */
export interface Claim {
  readonly text: Buffer;
  readonly signature: Buffer;
  readonly names: readonly string[];
  /** The repository or tag of which the signer speaks, `docker-reference`; absent: of none, as cosign signs from 3.0 on. */
  readonly reference?: string;
}

/** Of all that is said of one image at one place, in both ways together. */
export interface ClaimBounds {
  /** How many signatures are read: the newest, one half of them in each way. */
  readonly count: number;
  /** After so many bytes of manifests and signatures no older one is read. */
  readonly bytes: number;
  /** In milliseconds: when it takes longer, the place has failed. */
  readonly ms: number;
}

/**
 * @param digest `sha256:…` of the image.
 * @throws {SealiftError} E_DOWNLOAD, also when all questions together take too long; E_TOOL.
 */
export async function claimsAt(
  repository: string,
  digest: string,
  bounds: ClaimBounds = limits.claims,
): Promise<readonly Claim[]> {
  const limit = timeLimit(bounds.ms);
  const asking: Asking = { repository, bounds, until: limit.signal, read: 0 };
  try {
    return [...(await besideTheImage(asking, digest)), ...(await referring(asking, digest))];
  } finally {
    limit.end();
  }
}

/** What all questions about one image share. */
interface Asking {
  readonly repository: string;
  readonly bounds: ClaimBounds;
  readonly until: AbortSignal;
  /** Bytes so far. */
  read: number;
}

const payloadType = "application/vnd.dev.cosign.simplesigning.v1+json";
const signatureOf = "dev.cosignproject.cosign/signature";

/** SIGNATURE_SPEC.md: one layer a signature, under a tag made of the digest. */
async function besideTheImage(asking: Asking, digest: string): Promise<readonly Claim[]> {
  const tag = `${asking.repository}:${digest.replace(":", "-")}.sig`;
  const manifest = await manifestAt(asking, tag).catch((error: unknown) => {
    if (!isUnreadable(error)) undefinedWhenAbsent(error);
    return undefined;
  });
  const signed = (manifest?.layers ?? []).filter(
    ({ mediaType, size, annotations }) =>
      mediaType === payloadType && size <= limits.claim && annotations?.[signatureOf] !== undefined,
  );
  return ofEach(asking, signed, async (layer) => {
    const text = await blob(asking, layer);
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

/** BUNDLE_SPEC.md, the way of cosign from 3.0 on: a manifest a signature, which names the image as its subject. */
async function referring(asking: Asking, digest: string): Promise<readonly Claim[]> {
  // Who refers to those who refer is of no interest: oras would ask for each of them.
  const verb = ["discover", "--format", "json", "--depth", "1", "--artifact-type", bundleType];
  const listed = recordOf(jsonOf(await ask(asking, verb, `${asking.repository}@${digest}`, limits.list)));
  const referrers = listOf(listed["referrers"] ?? listed["manifests"])
    .map((one) => recordOf(one)["digest"])
    .filter(isDigest);
  return ofEach(asking, referrers, async (one) => {
    const [layer] = (await manifestAt(asking, `${asking.repository}@${one}`)).layers ?? [];
    // An attestation of megabytes, such as an SBOM, is kept in the same way.
    if (layer?.mediaType !== bundleType || layer.size > limits.claim) return [];
    const envelope = recordOf(recordOf(jsonOf(await blob(asking, layer)))["dsseEnvelope"]);
    return envelope["payloadType"] === statementType ? claimsOf(envelope) : [];
  });
}

/**
 * DSSE 1.0.2: what is signed is the payload with its type and both lengths in front. An envelope may have many signatures, that of a bundle
 * has exactly one (sigstore_bundle.proto, v0.3): nobody has many of them verified at the price of one.
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
 * The newest of them first: who writes first does not keep others from being heard. Nor does who writes what cannot be read: that counts as
 * none.
 */
async function ofEach<T>(
  asking: Asking,
  items: readonly T[],
  work: (item: T) => Promise<readonly Claim[]>,
): Promise<readonly Claim[]> {
  const { count, bytes } = asking.bounds;
  const newest = items.slice(-Math.ceil(count / 2)).reverse();
  const { values, problems } = await inParallel(newest, claimsAtOnce, async (item) =>
    asking.read < bytes
      ? work(item).catch((error: unknown) => {
          if (isUnreadable(error)) return [];
          throw error;
        })
      : [],
  );
  refuse(problems);
  return values.flat();
}

/** Each is a process of its own. */
const claimsAtOnce = 4;

/** Whether it was had and is not what it must be, as opposed to a question without an answer. */
function isUnreadable(error: unknown): boolean {
  const isPin = error instanceof SealiftError && error.problems.every(({ code }) => code === "E_PIN");
  return isPin || error instanceof NoManifest;
}

/** @throws {SealiftError} E_DOWNLOAD. @throws {NoManifest} for everything that is not one. */
async function manifestAt(asking: Asking, reference: string): Promise<Manifest> {
  return parseManifest(await ask(asking, ["manifest", "fetch"], reference, limits.manifest));
}

/** @throws {SealiftError} E_PIN when the registry gives other bytes than it names; E_DOWNLOAD when there are too many. */
async function blob(asking: Asking, { digest }: Descriptor): Promise<Buffer> {
  const where = `${asking.repository}@${digest}`;
  const bytes = await ask(asking, ["blob", "fetch", "--no-tty", "--output", "-"], where, limits.claim);
  const { sha256 } = digestOfBytes(bytes);
  if (sha256 === hexOf(digest)) return bytes;
  const todo = "try again, or ask who looks after the registry";
  throw new SealiftError([
    { where, code: "E_PIN", subject: "sha256", got: sha256, expected: hexOf(digest), todo },
  ]);
}

/** @param most in bytes. @throws {SealiftError} E_DOWNLOAD, also when the time of all questions is over. */
async function ask(asking: Asking, verb: readonly string[], name: string, most: number): Promise<Buffer> {
  const bytes = await orasBytes(verb, [name], ".", { code: "E_DOWNLOAD", most, until: asking.until });
  asking.read += bytes.length;
  return bytes;
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

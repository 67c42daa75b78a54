/** What people have signed of an image with cosign 3.1, as its registry keeps it. Anybody may have written it: what cannot be read is nobody's. */
import { refuse, SealiftError } from "../modules/core/errors.ts";
import { digestOfBytes } from "./digest.ts";
import { isRecord, jsonOf } from "./json.ts";
import { limits } from "./limits.ts";
import { manifestAt } from "./manifest-at.ts";
import { type Descriptor, hexOf, isDigest } from "./manifests.ts";
import { orasBytes, undefinedWhenAbsent } from "./oras.ts";
import { inParallel } from "./parallel.ts";

/** What somebody has signed: the bytes, and the digests of images that they speak of. */
export interface Claim {
  readonly text: Buffer;
  readonly signature: Buffer;
  readonly names: readonly string[];
  /** The repository or tag of which the signer speaks, `docker-reference`; absent: of none, as cosign signs from 3.0 on. */
  readonly reference?: string;
}

/** @param digest `sha256:…` of the image. @throws {SealiftError} E_DOWNLOAD, E_PIN, E_TOOL. */
export async function claimsAt(repository: string, digest: string): Promise<readonly Claim[]> {
  return [...(await besideTheImage(repository, digest)), ...(await referring(repository, digest))];
}

const payloadType = "application/vnd.dev.cosign.simplesigning.v1+json";
const signatureOf = "dev.cosignproject.cosign/signature";

/** SIGNATURE_SPEC.md: one layer a signature, under a tag made of the digest. */
async function besideTheImage(repository: string, digest: string): Promise<readonly Claim[]> {
  const tag = `${repository}:${digest.replace(":", "-")}.sig`;
  const manifest = await manifestAt(tag).catch(undefinedWhenAbsent);
  const signed = (manifest?.layers ?? []).filter(
    ({ mediaType, annotations }) => mediaType === payloadType && annotations?.[signatureOf] !== undefined,
  );
  return ofEach(signed, async (layer) => {
    const text = await blob(repository, layer);
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
async function referring(repository: string, digest: string): Promise<readonly Claim[]> {
  const verb = ["discover", "--format", "json", "--artifact-type", bundleType];
  const options = { code: "E_DOWNLOAD", most: limits.list } as const;
  const listed = recordOf(jsonOf(await orasBytes(verb, [`${repository}@${digest}`], ".", options)));
  const referrers = listOf(listed["referrers"] ?? listed["manifests"])
    .map((one) => recordOf(one)["digest"])
    .filter(isDigest);
  return ofEach(referrers, async (one) => {
    const [layer] = (await manifestAt(`${repository}@${one}`)).layers ?? [];
    if (layer?.mediaType !== bundleType) return [];
    const envelope = recordOf(recordOf(jsonOf(await blob(repository, layer)))["dsseEnvelope"]);
    return envelope["payloadType"] === statementType ? claimsOf(envelope) : [];
  });
}

/** DSSE 1.0.2: what is signed is the payload with its type and both lengths in front. */
function claimsOf({ payload, signatures }: Readonly<Record<string, unknown>>): readonly Claim[] {
  if (typeof payload !== "string") return [];
  const body = Buffer.from(payload, "base64");
  const { predicateType, subject } = recordOf(jsonOf(body));
  const names =
    predicateType === "https://sigstore.dev/cosign/sign/v1"
      ? listOf(subject).map((one) => `sha256:${String(recordOf(recordOf(one)["digest"])["sha256"])}`)
      : [];
  const head = `DSSEv1 ${Buffer.byteLength(statementType)} ${statementType} ${body.length} `;
  const text = Buffer.concat([Buffer.from(head), body]);
  return listOf(signatures)
    .slice(-limits.claims)
    .flatMap((one) => {
      const { sig } = recordOf(one);
      return typeof sig === "string" ? [{ text, signature: Buffer.from(sig, "base64"), names }] : [];
    });
}

/** The newest of them: who writes first does not keep others from being heard. */
async function ofEach<T>(
  items: readonly T[],
  work: (item: T) => Promise<readonly Claim[]>,
): Promise<readonly Claim[]> {
  const { values, problems } = await inParallel(items.slice(-limits.claims), claimsAtOnce, work);
  refuse(problems);
  return values.flat();
}

/** Each is a process of its own. */
const claimsAtOnce = 4;

/** @throws {SealiftError} E_PIN when the registry gives other bytes than it names; E_DOWNLOAD when there are too many. */
async function blob(repository: string, { digest }: Descriptor): Promise<Buffer> {
  const where = `${repository}@${digest}`;
  const verb = ["blob", "fetch", "--no-tty", "--output", "-"];
  const bytes = await orasBytes(verb, [where], ".", { code: "E_DOWNLOAD", most: limits.claim });
  const { sha256 } = digestOfBytes(bytes);
  if (sha256 === hexOf(digest)) return bytes;
  const todo = "try again, or ask who looks after the registry";
  throw new SealiftError([
    { where, code: "E_PIN", subject: "sha256", got: sha256, expected: hexOf(digest), todo },
  ]);
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** What people have signed of an image with cosign 3.1, as its registry keeps it. */
import { SealiftError } from "../modules/core/errors.ts";
import { digestOfBytes } from "./digest.ts";
import { type Descriptor, hexOf, type Manifest } from "./manifests.ts";
import { oras, orasBytes, undefinedWhenAbsent } from "./oras.ts";

/** What somebody has signed: the bytes, and the digests of images that they speak of. */
export interface Claim {
  readonly text: Buffer;
  readonly signature: Buffer;
  readonly names: readonly string[];
}

/** @param digest `sha256:…` of the image. @throws {SealiftError} E_DOWNLOAD, E_PIN, E_TOOL. */
export async function claimsAt(repository: string, digest: string): Promise<readonly Claim[]> {
  return [...(await besideTheImage(repository, digest)), ...(await referring(repository, digest))];
}

const payloadType = "application/vnd.dev.cosign.simplesigning.v1+json";
const signatureOf = "dev.cosignproject.cosign/signature";

/** SIGNATURE_SPEC.md: one layer a signature, under a tag made of the digest. */
async function besideTheImage(repository: string, digest: string): Promise<readonly Claim[]> {
  const manifest = await oras(
    ["manifest", "fetch", `${repository}:${digest.replace(":", "-")}.sig`],
    ".",
    "E_DOWNLOAD",
  ).catch(undefinedWhenAbsent);
  if (manifest === undefined) return [];
  const { layers = [] } = JSON.parse(manifest) as Manifest;
  const signed = layers.filter(
    ({ mediaType, annotations }) => mediaType === payloadType && annotations?.[signatureOf] !== undefined,
  );
  return Promise.all(
    signed.map(async (layer) => {
      const text = await blob(repository, layer);
      const { critical } = parsed<{
        critical?: { type?: string; image?: Record<string, string> };
      }>(text);
      const says = critical?.type === "cosign container image signature" ? critical.image : undefined;
      const name = says?.["docker-manifest-digest"];
      return {
        text,
        signature: Buffer.from(layer.annotations?.[signatureOf] ?? "", "base64"),
        names: name === undefined ? [] : [name],
      };
    }),
  );
}

const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";
const statementType = "application/vnd.in-toto+json";

interface SigstoreBundle {
  readonly dsseEnvelope?: {
    readonly payload: string;
    readonly payloadType: string;
    readonly signatures: readonly { readonly sig: string }[];
  };
}

interface Statement {
  readonly predicateType?: string;
  readonly subject?: readonly { readonly digest?: Readonly<Record<string, string>> }[];
}

/** BUNDLE_SPEC.md, the way of cosign from 3.0 on: a manifest a signature, which names the image as its subject. */
async function referring(repository: string, digest: string): Promise<readonly Claim[]> {
  const question = ["discover", "--format", "json", "--artifact-type", bundleType, `${repository}@${digest}`];
  const listed = JSON.parse(await oras(question, ".", "E_DOWNLOAD")) as Record<string, readonly Descriptor[]>;
  const referrers = listed["referrers"] ?? listed["manifests"] ?? [];
  const claims = await Promise.all(
    referrers.map(async (one) => {
      const manifest = await oras(["manifest", "fetch", `${repository}@${one.digest}`], ".", "E_DOWNLOAD");
      const [layer] = (JSON.parse(manifest) as Manifest).layers ?? [];
      if (layer?.mediaType !== bundleType) return [];
      const { dsseEnvelope } = parsed<SigstoreBundle>(await blob(repository, layer));
      return dsseEnvelope?.payloadType === statementType ? claimsOf(dsseEnvelope) : [];
    }),
  );
  return claims.flat();
}

/** DSSE 1.0.2: what is signed is the payload with its type and both lengths in front. */
function claimsOf({
  payload,
  payloadType: type,
  signatures,
}: NonNullable<SigstoreBundle["dsseEnvelope"]>): Claim[] {
  const body = Buffer.from(payload, "base64");
  const { predicateType, subject = [] } = parsed<Statement>(body);
  const names =
    predicateType === "https://sigstore.dev/cosign/sign/v1"
      ? subject.map((one) => `sha256:${one.digest?.["sha256"] ?? ""}`)
      : [];
  const text = Buffer.concat([
    Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${body.length} `),
    body,
  ]);
  return signatures.map(({ sig }) => ({ text, signature: Buffer.from(sig, "base64"), names }));
}

/** @throws {SealiftError} E_PIN when the registry gives other bytes than it names. */
async function blob(repository: string, { digest }: Descriptor): Promise<Buffer> {
  const where = `${repository}@${digest}`;
  const bytes = await orasBytes(["blob", "fetch", "--no-tty", "--output", "-", where], ".", "E_DOWNLOAD");
  const { sha256 } = digestOfBytes(bytes);
  if (sha256 === hexOf(digest)) return bytes;
  const todo = "try again, or ask who looks after the registry";
  throw new SealiftError([
    { where, code: "E_PIN", subject: "sha256", got: sha256, expected: hexOf(digest), todo },
  ]);
}

/** What cannot be read names nothing, and is nobody's. */
function parsed<T extends object>(text: Buffer): Partial<T> {
  try {
    return JSON.parse(text.toString()) as Partial<T>;
  } catch {
    return {};
  }
}

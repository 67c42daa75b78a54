/** What is in a bundle, as values that can be printed. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Problem } from "../modules/core/errors.ts";
import { type Contents, contentsOfBundle } from "./contents.ts";
import { inside } from "./inside.ts";
import type { LockedFile, LockedImage } from "./lock-file.ts";
import { originOf, type Origin } from "./origin.ts";
import { openBundle } from "./read-bundle.ts";
import { type Accepted, readReceipt, receiptFile } from "./receipt.ts";
import { signatureFiles } from "./signature-files.ts";
import { verifyBundle, type VerifyOptions } from "./verify.ts";

export interface Inspection {
  readonly directory: string;
  readonly serial: number;
  readonly lockSha256: string;
  readonly platforms: readonly string[];
  /** When sealift.json was written, by the clock of the file system: a copy may have another, and nobody signed it. */
  readonly written: Date;
  /** What to tell of it although it passed; nothing when it was not verified. */
  readonly warnings: readonly Problem[];
  /** The last day on which it is good, UTC. */
  readonly expires?: string;
  /** Who signed; undefined when the bundle was not verified. */
  readonly signers: readonly string[] | undefined;
  /** Every signature file and the key that made it; whether that is true is not checked without signers. */
  readonly signatures: readonly { readonly name: string; readonly fingerprint: string }[];
  /** When this very bundle was accepted; undefined when it was not, or without signers. */
  readonly accepted: Accepted | undefined;
  readonly files: readonly (Omit<LockedFile, "members"> & { readonly origin: Origin })[];
  readonly images: readonly (LockedImage & { readonly bytes: number | undefined })[];
  readonly blobs: number;
  /** Of all blobs, each once. */
  readonly bytes: number;
}

/**
 * Reads a bundle; with `verify` it is verified first, and refused as verify refuses.
 *
 * @throws {SealiftError} what {@link openBundle} and {@link verifyBundle} throw.
 */
export async function inspectBundle(directory: string, verify?: VerifyOptions): Promise<Inspection> {
  const verified = verify === undefined ? undefined : await verifyBundle(directory, verify);
  const bundle = verified ?? (await openBundle(directory));
  const contents = contentsOfBundle(bundle);
  return {
    directory,
    serial: contents.lock.serial,
    lockSha256: contents.lockSha256,
    platforms: contents.lock.platforms,
    written: (await stat(join(directory, inside.seal))).mtime,
    warnings: verified?.warnings ?? [],
    ...(bundle.seal.expires === undefined ? {} : { expires: bundle.seal.expires }),
    signers: verified?.signers,
    signatures: (await signatureFiles(directory)).map(({ name, signature }) => ({
      name,
      fingerprint: signature?.fingerprint ?? "no signature of ssh-keygen",
    })),
    accepted: verify === undefined ? undefined : await acceptedAs(bundle.textSha256, verify.allowedSigners),
    ...listed(contents),
  };
}

function listed({ lock, packed }: Contents): Pick<Inspection, "files" | "images" | "blobs" | "bytes"> {
  return {
    files: lock.files.map((file) => {
      const { name, version, platform, kind, url, sha256, licence, sources, signedBy, bytes } = file;
      return {
        ...{ name, version, platform, kind, url, sha256, licence, sources, origin: originOf(file) },
        ...(signedBy === undefined ? {} : { signedBy }),
        ...(bytes === undefined ? {} : { bytes }),
      };
    }),
    images: lock.images.map((image) => ({ ...image, bytes: packed?.imageBytes.get(image.name) })),
    blobs: packed?.blobs.size ?? 0,
    bytes: [...(packed?.blobs.values() ?? [])].reduce((sum, one) => sum + one, 0),
  };
}

async function acceptedAs(textSha256: string, allowedSigners: string): Promise<Accepted | undefined> {
  return (await readReceipt(receiptFile(allowedSigners))).findLast(
    ({ sealSha256 }) => sealSha256 === textSha256,
  );
}

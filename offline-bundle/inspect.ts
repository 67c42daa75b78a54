/** The content of a bundle as values for output. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Problem } from "../modules/core/errors.ts";
import { type Contents, contentsOfBundle } from "./oci/contents.ts";
import { inside } from "./io/inside.ts";
import type { LockedFile, LockedImage } from "./spec/lock-file.ts";
import { originOf, type Origin } from "./spec/origin.ts";
import { openBundle } from "./oci/read-bundle.ts";
import { type AcceptedRecord, readAcceptedBundles, acceptedBundlesFile } from "./signing/accepted-bundles.ts";
import { signatureFiles } from "./signing/signature-files.ts";
import { verifyBundle, type VerifyOptions } from "./verify.ts";

export interface Inspection {
  readonly directory: string;
  readonly serial: number;
  readonly lockSha256: string;
  readonly platforms: readonly string[];
  /** Modification time of sealift.json: a copy may have another one, and it is not signed. */
  readonly written: Date;
  /** Warnings of a bundle that passed; empty when it was not verified. */
  readonly warnings: readonly Problem[];
  /** The last day on which the bundle is valid, UTC. */
  readonly expires?: string;
  /** The signers; undefined when the bundle was not verified. */
  readonly signers: readonly string[] | undefined;
  /** Every signature file and its key; not verified without allowed signers. */
  readonly signatures: readonly { readonly name: string; readonly fingerprint: string }[];
  /** When this bundle was accepted; undefined when it was not, or without allowed signers. */
  readonly accepted: AcceptedRecord | undefined;
  readonly files: readonly (Omit<LockedFile, "members"> & { readonly origin: Origin })[];
  readonly images: readonly (LockedImage & { readonly bytes: number | undefined })[];
  readonly blobs: number;
  /** Of all blobs, each counted once. */
  readonly bytes: number;
}

/**
 * Reads a bundle; with `verify`, verifies it first and refuses it as verify does.
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
    written: (await stat(join(directory, inside.manifest))).mtime,
    warnings: verified?.warnings ?? [],
    ...(bundle.manifest.expires === undefined ? {} : { expires: bundle.manifest.expires }),
    signers: verified?.signers,
    signatures: (await signatureFiles(directory)).map(({ name, signature }) => ({
      name,
      fingerprint: signature?.fingerprint ?? "not a signature of ssh-keygen",
    })),
    accepted: verify === undefined ? undefined : await acceptedAs(bundle.textSha256, verify.allowedSigners),
    ...listed(contents),
  };
}

function listed({ lock, packed }: Contents): Pick<Inspection, "files" | "images" | "blobs" | "bytes"> {
  return {
    files: lock.files.map((file) => {
      const { name, version, platform, kind, url, sha256, licence, sources, signedBy, bytes, project } = file;
      return {
        ...{ name, version, platform, kind, url, sha256, licence, sources, origin: originOf(file) },
        ...(signedBy === undefined ? {} : { signedBy }),
        ...(bytes === undefined ? {} : { bytes }),
        ...(project === undefined ? {} : { project }),
      };
    }),
    images: lock.images.map((image) => ({ ...image, bytes: packed?.imageBytes.get(image.name) })),
    blobs: packed?.blobs.size ?? 0,
    bytes: [...(packed?.blobs.values() ?? [])].reduce((sum, one) => sum + one, 0),
  };
}

async function acceptedAs(textSha256: string, allowedSigners: string): Promise<AcceptedRecord | undefined> {
  return (await readAcceptedBundles(acceptedBundlesFile(allowedSigners))).findLast(
    ({ manifestSha256 }) => manifestSha256 === textSha256,
  );
}

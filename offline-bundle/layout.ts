/** Where everything is inside a bundle, and how to look something up in it. */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { SealiftError } from "../modules/core/errors.ts";
import type { Digest } from "./digest.ts";
import { type Lookup, lookupIn } from "./lookup.ts";
import { readLock } from "./lock-file.ts";
import type { Platform } from "./want.ts";

/** Paths inside a bundle. A bundle is an OCI image layout (image-spec 1.1) with three files of its own. */
export const inside = {
  /** Says which OCI layout this is. */
  marker: "oci-layout",
  /** Lists every manifest by its tag. */
  index: "index.json",
  blobs: "blobs/sha256",
  /** The lock it was built from. */
  lock: "bundle.lock.yaml",
  /** The bundle text: serial, platforms, and the sha256 of index and lock. This is what gets signed. */
  seal: "sealift.json",
  signature: "sealift.json.sig",
} as const;

/** The whole content of `oci-layout`; it is not signed, so it must be exactly this. */
export const markerText = '{"imageLayoutVersion":"1.0.0"}';

/** sealift.json. Everything else in the bundle hangs on it by sha256. */
export interface Seal {
  readonly format: 1;
  readonly serial: number;
  readonly platforms: readonly Platform[];
  readonly lock: Digest;
  readonly index: Digest;
  readonly manifests: readonly { readonly ref: string; readonly digest: string }[];
}

export interface Bundle extends Lookup {
  /** As it was given. */
  readonly directory: string;
  readonly serial: number;
  readonly lockSha256: string;
  /** Absolute path of the blob with this sha256 (64 hex digits); whether it exists is not looked at. */
  blobPath(sha256: string): string;
}

/**
 * Opens a bundle without checking it; {@link verifyBundle} of verify.ts checks first.
 *
 * @throws {SealiftError} E_BUNDLE_MISSING, E_LOCK_MISSING, or what is wrong in the lock.
 */
export async function openBundle(directory: string): Promise<Bundle> {
  const seal = parseSeal(await readSealText(directory), directory);
  const lock = await readLock(join(directory, inside.lock));
  const blobPath = (sha256: string): string => resolve(directory, inside.blobs, sha256);
  return {
    ...lookupIn(lock, blobPath),
    directory,
    serial: seal.serial,
    lockSha256: seal.lock.sha256,
    blobPath,
  };
}

/** The bytes of sealift.json. @throws {SealiftError} E_BUNDLE_MISSING */
export async function readSealText(directory: string): Promise<Buffer> {
  return readFile(join(directory, inside.seal)).catch(() => {
    throw new SealiftError([
      {
        where: directory,
        code: "E_BUNDLE_MISSING",
        subject: inside.seal,
        got: "no such file",
        expected: "a bundle directory",
        todo: "name the directory that sealift bundle build wrote, or build it",
      },
    ]);
  });
}

/** @throws {SealiftError} E_BUNDLE_DIGEST when the text is not what a build writes. */
export function parseSeal(text: Buffer, directory: string): Seal {
  try {
    const seal = JSON.parse(text.toString()) as Partial<Seal>;
    if (seal.format === 1 && seal.serial && seal.lock && seal.index) return seal as Seal;
  } catch {
    // Told below: broken JSON and JSON of another shape are the same to a person.
  }
  throw new SealiftError([
    {
      where: directory,
      code: "E_BUNDLE_DIGEST",
      subject: inside.seal,
      got: "a text of another shape",
      expected: "what sealift bundle build wrote, format 1",
      todo: "copy the bundle again; if it stays, use a sealift as new as the one that built it",
    },
  ]);
}

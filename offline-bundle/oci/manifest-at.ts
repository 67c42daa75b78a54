import { SealiftError } from "../../modules/core/errors.ts";
import { limits } from "../io/limits.ts";
import { isDigest, type Manifest, NoManifest, parseManifest } from "./manifests.ts";
import { oras, orasBytes } from "./oras.ts";
import { printable } from "../io/printable.ts";

/** The digest that a reference points to: `sha256:…`. @throws {SealiftError} E_DOWNLOAD, E_TOOL */
export async function digestAt(reference: string): Promise<string> {
  const digest = await oras(["resolve"], [reference], ".", { code: "E_DOWNLOAD" });
  if (isDigest(digest)) return digest;
  const [expected, fix] = ["a sha256 digest", "ask the registry administrator"];
  const found = printable(digest);
  throw new SealiftError([{ where: reference, code: "E_DOWNLOAD", subject: "digest", found, expected, fix }]);
}

/**
 * The manifest or index of a reference in a registry.
 *
 * @throws {SealiftError} E_DOWNLOAD when it cannot be fetched, is too long, or is not a manifest.
 */
export async function manifestAt(reference: string): Promise<Manifest> {
  return manifestIn(await manifestBytesAt(reference), reference);
}

/**
 * @param reference the requested reference.
 * @throws {SealiftError} E_DOWNLOAD when these bytes are neither a manifest nor an index.
 */
function manifestIn(text: Uint8Array, reference: string): Manifest {
  try {
    return parseManifest(text);
  } catch (error) {
    throw error instanceof NoManifest ? noManifest(reference, error.message) : error;
  }
}

/** The same, byte for byte and unparsed. @throws {SealiftError} E_DOWNLOAD, E_TOOL */
export async function manifestBytesAt(reference: string): Promise<Buffer> {
  return orasBytes(["manifest", "fetch"], [reference], ".", { code: "E_DOWNLOAD", most: limits.manifest });
}

/** The problem of a registry that returned something other than a manifest. */
export function noManifest(where: string, found: string): SealiftError {
  const [expected, fix] = ["a manifest or index (image-spec 1.1)", "ask the registry administrator"];
  return new SealiftError([{ where, code: "E_DOWNLOAD", subject: "manifest", found, expected, fix }]);
}

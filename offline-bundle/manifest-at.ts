import { SealiftError } from "../modules/core/errors.ts";
import { limits } from "./limits.ts";
import { isDigest, type Manifest, NoManifest, parseManifest } from "./manifests.ts";
import { oras, orasBytes } from "./oras.ts";
import { printable } from "./printable.ts";

/** The digest that a reference stands for: `sha256:…`. @throws {SealiftError} E_DOWNLOAD, E_TOOL */
export async function digestAt(reference: string): Promise<string> {
  const digest = await oras(["resolve"], [reference], ".", { code: "E_DOWNLOAD" });
  if (isDigest(digest)) return digest;
  const [expected, todo] = ["a sha256 digest", "ask who looks after the registry"];
  const got = printable(digest);
  throw new SealiftError([{ where: reference, code: "E_DOWNLOAD", subject: "digest", got, expected, todo }]);
}

/**
 * The manifest or index of a reference in a registry.
 *
 * @throws {SealiftError} E_DOWNLOAD when it cannot be had, is longer than a manifest may be, or is none.
 */
export async function manifestAt(reference: string): Promise<Manifest> {
  return manifestIn(await manifestBytesAt(reference), reference);
}

/** @param reference what was asked for. @throws {SealiftError} E_DOWNLOAD when these bytes are no manifest and no index. */
export function manifestIn(text: Uint8Array, reference: string): Manifest {
  try {
    return parseManifest(text);
  } catch (error) {
    throw error instanceof NoManifest ? noManifest(reference, error.message) : error;
  }
}

/** The same, byte for byte and not looked into. @throws {SealiftError} E_DOWNLOAD, E_TOOL */
export async function manifestBytesAt(reference: string): Promise<Buffer> {
  return orasBytes(["manifest", "fetch"], [reference], ".", { code: "E_DOWNLOAD", most: limits.manifest });
}

/** What a registry has given in place of a manifest. */
export function noManifest(where: string, got: string): SealiftError {
  const [expected, todo] = ["a manifest or index (image-spec 1.1)", "ask who looks after the registry"];
  return new SealiftError([{ where, code: "E_DOWNLOAD", subject: "manifest", got, expected, todo }]);
}

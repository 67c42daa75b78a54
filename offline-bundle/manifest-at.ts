import { SealiftError } from "../modules/core/errors.ts";
import { limits } from "./limits.ts";
import { isDigest, type Manifest, NoManifest, parseManifest } from "./manifests.ts";
import { oras, orasBytes } from "./oras.ts";
import { printable } from "./printable.ts";

/** The digest that a reference stands for: `sha256:…`. @throws {SealiftError} E_DOWNLOAD, E_TOOL */
export async function digestAt(
  reference: string,
  flags: readonly string[] = [],
  directory = ".",
): Promise<string> {
  const digest = await oras(["resolve", ...flags], [reference], directory, { code: "E_DOWNLOAD" });
  if (isDigest(digest)) return digest;
  const [expected, todo] = ["a sha256 digest", "ask who looks after the registry or layout"];
  const got = printable(digest);
  throw new SealiftError([{ where: reference, code: "E_DOWNLOAD", subject: "digest", got, expected, todo }]);
}

/**
 * The manifest or index of a reference, in a registry or, with flags that say so, in a layout.
 *
 * @throws {SealiftError} E_DOWNLOAD when it cannot be had, is longer than a manifest may be, or is none.
 */
export async function manifestAt(
  reference: string,
  flags: readonly string[] = [],
  directory = ".",
): Promise<Manifest> {
  const options = { code: "E_DOWNLOAD", most: limits.manifest } as const;
  return manifestIn(
    await orasBytes(["manifest", "fetch", ...flags], [reference], directory, options),
    reference,
  );
}

/** @param reference what was asked for. @throws {SealiftError} E_DOWNLOAD when these bytes are no manifest and no index. */
export function manifestIn(text: Uint8Array, reference: string): Manifest {
  try {
    return parseManifest(text);
  } catch (error) {
    throw error instanceof NoManifest ? noManifest(reference, error.message) : error;
  }
}

/** What a registry or layout has given in place of a manifest. */
export function noManifest(where: string, got: string): SealiftError {
  const [expected, todo] = [
    "a manifest or index (image-spec 1.1)",
    "ask who looks after the registry or layout",
  ];
  return new SealiftError([{ where, code: "E_DOWNLOAD", subject: "manifest", got, expected, todo }]);
}

/** Where everything is inside a bundle, and the text on which all of it hangs. */
import { join, resolve } from "node:path";
import { SealiftError } from "../modules/core/errors.ts";
import type { Digest } from "./digest.ts";
import { inside } from "./inside.ts";
import { isCount, isRecord, jsonOf } from "./json.ts";
import { limits } from "./limits.ts";
import type { Lookup } from "./lookup.ts";
import { isDigest } from "./manifests.ts";
import { isReference } from "./oci-reference.ts";
import { readRegular, UnusableFile } from "./regular-file.ts";
import type { Tree } from "./tree.ts";
import type { Platform } from "./want.ts";

export { bundleFormat, inside, markerText } from "./inside.ts";

/** sealift.json. Everything else in the bundle hangs on it by sha256. */
export interface Seal {
  readonly format: 1;
  readonly serial: number;
  readonly platforms: readonly Platform[];
  /** The last day on which it is good, UTC: `2026-12-31`; absent: it is good for ever. */
  readonly expires?: string;
  readonly lock: Digest;
  readonly index: Digest;
  readonly manifests: readonly { readonly ref: string; readonly digest: string }[];
}

export interface Bundle extends Lookup {
  /** As it was given. */
  readonly directory: string;
  /** The bundle text, byte for byte as it was read, its sha256, and what it says. */
  readonly text: Uint8Array;
  readonly textSha256: string;
  readonly seal: Seal;
  readonly serial: number;
  readonly lockSha256: string;
  /** Index and manifests, as they were hashed. */
  readonly tree: Tree;
  /** Absolute path of the blob with this sha256 (64 hex digits); whether it exists is not looked at. */
  blobPath(sha256: string): string;
}

/** The absolute path of a blob of a bundle. */
export function blobPathIn(directory: string): (sha256: string) => string {
  return (sha256) => resolve(directory, inside.blobs, sha256);
}

/** The bytes of sealift.json, read once. @throws {SealiftError} E_BUNDLE_MISSING; E_BUNDLE_DIGEST when it is no file of its kind. */
export async function readSealText(directory: string): Promise<Buffer> {
  return readRegular(join(directory, inside.seal), limits.seal, "refuse").catch((error: unknown) => {
    const other = error instanceof UnusableFile;
    throw new SealiftError([
      {
        where: directory,
        code: other ? "E_BUNDLE_DIGEST" : "E_BUNDLE_MISSING",
        subject: inside.seal,
        got: other ? error.message : "no such file",
        expected: other ? "a file as a build writes it" : "a bundle directory",
        todo: "name the directory that sealift bundle build wrote, or build it",
      },
    ]);
  });
}

/** @throws {SealiftError} E_BUNDLE_DIGEST when the text is not what a build writes. */
export function parseSeal(text: Uint8Array, directory: string): Seal {
  const seal = sealOf(text);
  if (seal !== undefined) return seal;
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

/** Broken JSON and JSON of another shape are the same to a person. */
function sealOf(text: Uint8Array): Seal | undefined {
  const value = jsonOf(text);
  if (!isRecord(value)) return undefined;
  const { format, serial, platforms, expires, lock, index, manifests, ...others } = value;
  // What a later sealift has signed may be a limit: nothing of it is passed over.
  if (format !== 1 || Object.keys(others).length > 0) return undefined;
  if (!isCount(serial) || serial === 0 || !isList(platforms, isPlatform) || platforms.length === 0)
    return undefined;
  if (!isPin(lock) || !isPin(index) || !isList(manifests, isTagged)) return undefined;
  if (expires !== undefined && !isDay(expires)) return undefined;
  return { format, serial, platforms, ...(expires === undefined ? {} : { expires }), lock, index, manifests };
}

/** A day that there is: `2026-12-31`. */
function isDay(value: unknown): value is string {
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\d$/.test(value)) return false;
  const time = Date.parse(`${value}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(value);
}

function isList<T>(value: unknown, of: (one: unknown) => one is T): value is readonly T[] {
  return Array.isArray(value) && value.every(of);
}

function isPlatform(value: unknown): value is Platform {
  return value === "linux/amd64" || value === "linux/arm64";
}

function isPin(value: unknown): value is Digest {
  if (!isRecord(value)) return false;
  return (
    isCount(value["bytes"]) && typeof value["sha256"] === "string" && /^[0-9a-f]{64}$/.test(value["sha256"])
  );
}

function isTagged(value: unknown): value is Seal["manifests"][number] {
  return (
    isRecord(value) &&
    typeof value["ref"] === "string" &&
    isReference(value["ref"]) &&
    isDigest(value["digest"])
  );
}

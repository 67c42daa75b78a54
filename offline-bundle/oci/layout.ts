/** The paths inside a bundle, and the manifest that covers everything in it. */
import { join, resolve } from "node:path";
import { SealiftError } from "../../modules/core/errors.ts";
import type { Digest } from "../io/digest.ts";
import { inside } from "../io/inside.ts";
import { isCount, isRecord, jsonOf } from "../io/json.ts";
import { limits } from "../io/limits.ts";
import type { LockIndex } from "../spec/lock-index.ts";
import { isDigest } from "./manifests.ts";
import { isReference } from "../spec/oci-reference.ts";
import { readRegular, UnusableFile } from "../io/regular-file.ts";
import type { Tree } from "./check-layout.ts";
import type { Platform } from "../spec/bundle-spec.ts";

export { bundleFormat, inside, markerText } from "../io/inside.ts";

/** sealift.json. It pins everything else in the bundle by sha256. */
export interface BundleManifest {
  readonly format: 1;
  readonly serial: number;
  readonly platforms: readonly Platform[];
  /** The last day on which the bundle is valid, UTC: `2026-12-31`; absent: it never expires. */
  readonly expires?: string;
  readonly lock: Digest;
  readonly index: Digest;
  readonly manifests: readonly { readonly ref: string; readonly digest: string }[];
}

export interface Bundle extends LockIndex {
  /** Path as given. */
  readonly directory: string;
  /** The bundle manifest exactly as it was read, its sha256, and its values. */
  readonly text: Uint8Array;
  readonly textSha256: string;
  readonly manifest: BundleManifest;
  readonly serial: number;
  readonly lockSha256: string;
  /** Index and manifests, as they were hashed. */
  readonly tree: Tree;
  /** Absolute path of the blob with this sha256 (64 hex digits); it need not exist. */
  blobPath(sha256: string): string;
}

/** The absolute path of a blob of a bundle. */
export function blobPathIn(directory: string): (sha256: string) => string {
  return (sha256) => resolve(directory, inside.blobs, sha256);
}

/**
 * The bytes of sealift.json, read once.
 *
 * @throws {SealiftError} E_BUNDLE_MISSING; E_BUNDLE_DIGEST when it is not a regular file or too long.
 */
export async function readBundleManifestText(directory: string): Promise<Buffer> {
  return readRegular(join(directory, inside.manifest), limits.bundleManifest, "refuse").catch(
    (error: unknown) => {
      const other = error instanceof UnusableFile;
      throw new SealiftError([
        {
          where: directory,
          code: other ? "E_BUNDLE_DIGEST" : "E_BUNDLE_MISSING",
          subject: inside.manifest,
          found: other ? error.message : "no such file",
          expected: other ? "a regular file as written by a build" : "a bundle directory",
          fix: "pass the directory that sealift bundle build wrote, or build the bundle",
        },
      ]);
    },
  );
}

/** @throws {SealiftError} E_BUNDLE_DIGEST when a build did not write the text. */
export function parseBundleManifest(text: Uint8Array, directory: string): BundleManifest {
  const bundleManifest = manifestOf(text);
  if (bundleManifest !== undefined) return bundleManifest;
  throw new SealiftError([
    {
      where: directory,
      code: "E_BUNDLE_DIGEST",
      subject: inside.manifest,
      found: "unknown format",
      expected: "bundle format 1",
      fix: "copy the bundle again; if the problem remains, use the Sealift version that built it, or a newer one",
    },
  ]);
}

/** Broken JSON and JSON of another shape are the same problem to the operator. */
function manifestOf(text: Uint8Array): BundleManifest | undefined {
  const value = jsonOf(text);
  if (!isRecord(value)) return undefined;
  const { format, serial, platforms, expires, lock, index, manifests, ...others } = value;
  // An unknown key of a later Sealift may be a restriction, so none is ignored.
  if (format !== 1 || Object.keys(others).length > 0) return undefined;
  if (!isCount(serial) || serial === 0 || !isList(platforms, isPlatform) || platforms.length === 0)
    return undefined;
  if (!isPin(lock) || !isPin(index) || !isList(manifests, isTagged)) return undefined;
  if (expires !== undefined && !isDay(expires)) return undefined;
  return { format, serial, platforms, ...(expires === undefined ? {} : { expires }), lock, index, manifests };
}

/** An existing day: `2026-12-31`. */
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

function isTagged(value: unknown): value is BundleManifest["manifests"][number] {
  return (
    isRecord(value) &&
    typeof value["ref"] === "string" &&
    isReference(value["ref"]) &&
    isDigest(value["digest"])
  );
}

/** A bundle without the blobs that the air-gapped side already has. */
import { type ErrorCode, SealiftError } from "../../modules/core/errors.ts";
import { isCount, isRecord, jsonOf } from "../io/json.ts";
import { limits } from "../io/limits.ts";
import { readRegular, UnusableFile } from "../io/regular-file.ts";

/** The bundle or registry whose digests an inventory lists. */
export type InventoryOwner =
  | { readonly bundle: string; readonly serial: number }
  /** `host[:port][/path]` */
  | { readonly registry: string };

/** What `sealift bundle inventory` writes: the digests that a bundle or a registry has. */
export interface BundleInventory {
  readonly format: 1;
  readonly of: InventoryOwner;
  /** 64 hex digits each, sorted. */
  readonly digests: readonly string[];
}

/** delta.json of an archive that omits some of its blobs. */
export interface Delta {
  readonly format: 1;
  /** What has the omitted blobs. */
  readonly base: InventoryOwner;
  /** 64 hex digits each, sorted. */
  readonly lacks: readonly string[];
}

/** Path of the delta inside an archive; the unpacked bundle has no such file. */
export const deltaName = "delta.json";

/** @throws {SealiftError} E_BUNDLE_MISSING when there is no such file, E_VALUE when it is not an inventory. */
export async function readInventory(file: string): Promise<BundleInventory> {
  const text = await readRegular(file, limits.list, "follow").catch((error: unknown) => {
    const found = error instanceof Error ? error.message : String(error);
    throw broken(file, error instanceof UnusableFile ? "E_VALUE" : "E_BUNDLE_MISSING", found);
  });
  const value = jsonOf(text);
  if (isRecord(value)) {
    const { format, of, digests } = value;
    if (format === 1 && isHolder(of) && areDigests(digests)) return { format, of, digests };
  }
  throw broken(file, "E_VALUE", "an unknown format");
}

/** The delta of an archive; undefined when the text is not a delta. */
export function parseDelta(text: Uint8Array): Delta | undefined {
  const value = jsonOf(text);
  if (!isRecord(value)) return undefined;
  const { format, base, lacks } = value;
  return format === 1 && isHolder(base) && areDigests(lacks) ? { format, base, lacks } : undefined;
}

/** For messages: `bundle serial 3`, `registry reg:5000/site`. */
export function holderName(holder: InventoryOwner): string {
  return "registry" in holder ? `registry ${holder.registry}` : `bundle serial ${holder.serial}`;
}

/** No check depends on it, but it is displayed. */
function isHolder(value: unknown): value is InventoryOwner {
  if (!isRecord(value)) return false;
  const { bundle, serial, registry } = value;
  const shown = [bundle, registry].filter((one) => one !== undefined);
  if (!shown.every((one) => typeof one === "string" && one.length <= 400 && !/\p{C}/u.test(one)))
    return false;
  return registry !== undefined || (bundle !== undefined && isCount(serial));
}

function areDigests(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string" && /^[0-9a-f]{64}$/.test(one));
}

function broken(file: string, code: ErrorCode, found: string): SealiftError {
  const expected = "an inventory of format 1, written by sealift bundle inventory";
  const fix =
    "create it again on the air-gapped side: sealift bundle inventory <directory> -o inventory.json";
  return new SealiftError([{ where: file, code, subject: "inventory", found, expected, fix }]);
}

/** A bundle without the blobs that the far side has already. */
import { type ErrorCode, SealiftError } from "../modules/core/errors.ts";
import { isCount, isRecord, jsonOf } from "./json.ts";
import { limits } from "./limits.ts";
import { readRegular, UnusableFile } from "./regular-file.ts";

/** What was asked which digests it has. */
export type Holder =
  | { readonly bundle: string; readonly serial: number }
  /** `host[:port][/path]` */
  | { readonly registry: string };

/** What `sealift bundle inventory` writes: the digests that a bundle or a registry has. */
export interface Inventory {
  readonly format: 1;
  readonly of: Holder;
  /** 64 hex digits each, sorted. */
  readonly digests: readonly string[];
}

/** delta.json of a carried bundle that does not hold all of its blobs. */
export interface Delta {
  readonly format: 1;
  /** What has the rest. */
  readonly base: Holder;
  /** 64 hex digits each, sorted. */
  readonly lacks: readonly string[];
}

/** Path of the delta inside a carried bundle; the bundle that comes out has no such file. */
export const deltaName = "delta.json";

/** @throws {SealiftError} E_BUNDLE_MISSING when there is no such file, E_VALUE when it is no inventory. */
export async function readInventory(file: string): Promise<Inventory> {
  const text = await readRegular(file, limits.list, "follow").catch((error: unknown) => {
    const got = error instanceof Error ? error.message : String(error);
    throw broken(file, error instanceof UnusableFile ? "E_VALUE" : "E_BUNDLE_MISSING", got);
  });
  const value = jsonOf(text);
  if (isRecord(value)) {
    const { format, of, digests } = value;
    if (format === 1 && isHolder(of) && areDigests(digests)) return { format, of, digests };
  }
  throw broken(file, "E_VALUE", "a text of another shape");
}

/** The delta of a carried bundle; undefined when the text is not one. */
export function parseDelta(text: Uint8Array): Delta | undefined {
  const value = jsonOf(text);
  if (!isRecord(value)) return undefined;
  const { format, base, lacks } = value;
  return format === 1 && isHolder(base) && areDigests(lacks) ? { format, base, lacks } : undefined;
}

/** For people: `bundle serial 3`, `registry reg:5000/site`. */
export function holderName(holder: Holder): string {
  return "registry" in holder ? `registry ${holder.registry}` : `bundle serial ${holder.serial}`;
}

/** Nothing hangs on it, but it is shown. */
function isHolder(value: unknown): value is Holder {
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

function broken(file: string, code: ErrorCode, got: string): SealiftError {
  const expected = "what sealift bundle inventory wrote, format 1";
  const todo = "write it anew on the far side: sealift bundle inventory <directory> -o inventory.json";
  return new SealiftError([{ where: file, code, subject: "inventory", got, expected, todo }]);
}

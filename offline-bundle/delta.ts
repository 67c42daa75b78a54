/** A bundle without the blobs that the far side has already. */
import { type ErrorCode, SealiftError } from "../modules/core/errors.ts";
import { readFile } from "node:fs/promises";

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
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    const got = error instanceof Error ? error.message : String(error);
    throw broken(file, "E_BUNDLE_MISSING", got);
  });
  const value = parsed(text) as Partial<Inventory> | undefined;
  if (value?.format === 1 && isHolder(value.of) && areDigests(value.digests)) return value as Inventory;
  throw broken(file, "E_VALUE", "a text of another shape");
}

/** The delta of a carried bundle; undefined when the text is not one. */
export function parseDelta(text: string): Delta | undefined {
  const value = parsed(text) as Partial<Delta> | undefined;
  if (value?.format !== 1 || !isHolder(value.base) || !areDigests(value.lacks)) return undefined;
  return value as Delta;
}

/** For people: `bundle serial 3`, `registry reg:5000/site`. */
export function holderName(holder: Holder): string {
  return "registry" in holder ? `registry ${holder.registry}` : `bundle serial ${holder.serial}`;
}

function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== "object" || value === null) return false;
  const { bundle, serial, registry } = value as Record<string, unknown>;
  return typeof registry === "string" || (typeof bundle === "string" && typeof serial === "number");
}

function areDigests(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string" && /^[0-9a-f]{64}$/.test(one));
}

function broken(file: string, code: ErrorCode, got: string): SealiftError {
  const expected = "what sealift bundle inventory wrote, format 1";
  const todo = "write it anew on the far side: sealift bundle inventory <directory> -o inventory.json";
  return new SealiftError([{ where: file, code, subject: "inventory", got, expected, todo }]);
}

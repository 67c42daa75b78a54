import { join } from "node:path";
import { cachePath, checkout } from "../lab/cache.ts";
import { type Command, measured, type Run } from "./measured.ts";

/** Runs `sealift bundle …`, measured, with the lab's oras and a store of its own. */
export function verb(...args: readonly string[]): Promise<Run> {
  return measured(verbCommand(...args));
}

export function verbCommand(...args: readonly string[]): Command {
  return {
    program: process.execPath,
    args: [join(checkout, "cli", "sealift.js"), "bundle", ...args],
    env: { SEALIFT_CACHE: cachePath("bench") },
  };
}

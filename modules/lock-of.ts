import { join } from "node:path";
import { inside } from "../offline-bundle/layout.ts";
import { isObject } from "./core/layers/traced.ts";

/** The lock that counts for a site: the one it names, else that of its bundle. @param site as written, not checked yet. */
export function lockOf(site: unknown): string | undefined {
  const bundle = isObject(site) && isObject(site["bundle"]) ? site["bundle"] : {};
  const { lock, directory } = bundle;
  if (typeof lock === "string") return lock;
  return typeof directory === "string" ? join(directory, inside.lock) : undefined;
}

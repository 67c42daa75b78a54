/** Values of a compose model, whose form the plugin has checked. Pure. */
import { isRecord } from "../io/json.ts";
import type { ComposeModel } from "./compose-plugin.ts";

/** Entries of an object; none of anything else. */
export function entriesOf(value: unknown): readonly (readonly [name: string, value: ComposeModel])[] {
  if (!isRecord(value)) return [];
  return Object.entries(value)
    .map(([name, one]): readonly [string, ComposeModel] => [name, isRecord(one) ? one : {}])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

export function recordAt(value: ComposeModel, key: string): ComposeModel {
  const inner = value[key];
  return isRecord(inner) ? inner : {};
}

export function listAt(value: ComposeModel, key: string): readonly unknown[] {
  const inner = value[key];
  return Array.isArray(inner) ? inner : [];
}

export function textAt(value: ComposeModel, key: string): string | undefined {
  const inner = value[key];
  return typeof inner === "string" ? inner : typeof inner === "number" ? String(inner) : undefined;
}

/** Whether a text contains a variable: `$$` is a dollar sign. */
export function hasVariable(text: string): boolean {
  return text.replaceAll("$$", "").includes("$");
}

/** Compares inputs old and new, path by path, as the official plugin does for want of a Diff of its own. */
import { isArchive, isAsset, isList, isObject, isSecret, type Json, type Properties } from "./properties.ts";

export type Change = "ADD" | "UPDATE" | "DELETE" | "ADD_REPLACE" | "UPDATE_REPLACE" | "DELETE_REPLACE";

/**
 * @param replaceOnChanges properties whose change replaces the resource; a change inside one of them is left to the
 *   engine, which has the same list from the SDK with `[*]`
 * @returns property path (`triggers[0]`, `environment.NAME`) to what happens to it; empty when nothing changes
 */
export function diffInputs(
  olds: Properties,
  news: Properties,
  replaceOnChanges: readonly string[],
): ReadonlyMap<string, Change> {
  const changes = new Map<string, Change>();
  const visible = Object.entries(news).filter(([name]) => name !== "version" && !name.startsWith("__"));
  compareObjects("", olds, Object.fromEntries(visible), changes);
  for (const name of replaceOnChanges) {
    const change = changes.get(name);
    if (change === "ADD" || change === "UPDATE" || change === "DELETE")
      changes.set(name, `${change}_REPLACE`);
  }
  return changes;
}

function compareObjects(
  prefix: string,
  olds: Properties,
  news: Properties,
  changes: Map<string, Change>,
): void {
  for (const name of new Set([...Object.keys(olds), ...Object.keys(news)])) {
    const path = prefix === "" ? name : `${prefix}${step(name)}`;
    compare(path, olds[name], news[name], changes);
  }
}

/** A name that cannot stand behind a dot stands in brackets. */
function step(name: string): string {
  return /[.[\]"]/.test(name) ? `[${JSON.stringify(name)}]` : `.${name}`;
}

function compare(
  path: string,
  old: Json | undefined,
  now: Json | undefined,
  changes: Map<string, Change>,
): void {
  if (old === undefined && now === undefined) return;
  if (old === undefined) changes.set(path, "ADD");
  else if (now === undefined) changes.set(path, "DELETE");
  else if (isList(old) && isList(now)) {
    for (let index = 0; index < Math.max(old.length, now.length); index += 1)
      compare(`${path}[${index}]`, old[index], now[index], changes);
  } else if (isPlainObject(old) && isPlainObject(now)) compareObjects(path, old, now, changes);
  else if (!equal(old, now)) changes.set(path, "UPDATE");
}

/** Secrets, assets and archives change as a whole. */
function isPlainObject(value: Json): value is Properties {
  return isObject(value) && !isSecret(value) && !isAsset(value) && !isArchive(value);
}

/** Whether two values are the same; files are the same when their bytes are, wherever they lie. */
export function equal(one: Json, other: Json): boolean {
  if (isFile(one) && isFile(other)) return isAsset(one) === isAsset(other) && one["hash"] === other["hash"];
  if (isList(one) && isList(other))
    return one.length === other.length && one.every((value, index) => equal(value, other[index] ?? null));
  if (isObject(one) && isObject(other)) {
    const names = new Set([...Object.keys(one), ...Object.keys(other)]);
    return [...names].every((name) => {
      const [left, right] = [one[name], other[name]];
      return left !== undefined && right !== undefined && equal(left, right);
    });
  }
  return one === other;
}

function isFile(value: Json): value is Properties {
  return isAsset(value) || isArchive(value);
}

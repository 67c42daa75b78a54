/** A value that was merged from several files, with the origin of each part. */
import type { Locate, Path } from "../../document/locate.ts";
import { daemonOver } from "./daemon-over.ts";
import { isObject, type Values } from "./values.ts";

/** Where something is set. */
export interface ValueOrigin {
  readonly place: Locate;
  readonly path: Path;
  /** For messages: `site`, `class docker-host`, `team payments`, `host node-a`. */
  readonly what: string;
}

/** A layer: its values, and where they are set. */
export interface Layer extends ValueOrigin {
  readonly values: Values;
}

/** Origins by the path of the value they explain. */
export class ValueOrigins {
  readonly #known = new Map<string, ValueOrigin>();

  set(path: Path, origin: ValueOrigin): void {
    this.#known.set(key(path), origin);
  }

  /** The origin of a value, or of its nearest parent that has one, and the path down from there. */
  of(path: Path): { readonly origin: ValueOrigin; readonly below: Path } | undefined {
    for (let length = path.length; length >= 0; length--) {
      const origin = this.#known.get(key(path.slice(0, length)));
      if (origin !== undefined) return { origin, below: path.slice(length) };
    }
    return undefined;
  }

  /** Locates a part of the merged value in its source file. */
  readonly locate: Locate = (path, name) => {
    const exact = name === undefined ? undefined : this.#known.get(key([...path, name]));
    if (exact !== undefined) return exact.place(exact.path.slice(0, -1), String(exact.path.at(-1)));
    const found = this.of(path);
    return found === undefined ? "" : found.origin.place([...found.origin.path, ...found.below], name);
  };
}

/**
 * Merges layers, the last one on top: objects key by key, one level deep and in `daemon` at every level, everything else as a
 * whole.
 *
 * @param at path of the result in the merged value; origins are recorded below it.
 */
export function overlay(layers: readonly Layer[], at: Path, origins: ValueOrigins): Values {
  const result: Record<string, unknown> = {};
  for (const { values, ...origin } of layers)
    for (const [name, value] of Object.entries(values)) {
      const below = result[name];
      const here = { ...origin, path: [...origin.path, name] };
      origins.set([...at, name], here);
      if (isObject(value)) noteOrigins(value, [...at, name], here, origins, name === "daemon");
      result[name] =
        isObject(value) && isObject(below)
          ? name === "daemon"
            ? daemonOver(below, value)
            : { ...below, ...value }
          : value;
    }
  return result;
}

/** @param deep maps below are merged as well. */
function noteOrigins(
  values: Values,
  at: Path,
  here: ValueOrigin,
  origins: ValueOrigins,
  deep: boolean,
): void {
  for (const [name, value] of Object.entries(values)) {
    const origin = { ...here, path: [...here.path, name] };
    origins.set([...at, name], origin);
    if (deep && isObject(value)) noteOrigins(value, [...at, name], origin, origins, deep);
  }
}

/** The same without some of its keys. */
export function without(values: Values, ...keys: readonly string[]): Values {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !keys.includes(key)));
}

function key(path: Path): string {
  return JSON.stringify(path);
}

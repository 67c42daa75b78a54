/** A value that was put together out of several files, and where each part of it was written. */
import type { Locate, Path } from "../locate.ts";
import { daemonOver } from "./daemon-over.ts";
import { isObject, type Values } from "./values.ts";

/** Where something was written. */
export interface Origin {
  readonly place: Locate;
  readonly path: Path;
  /** For people: `site`, `class docker-host`, `team payments`, `host node-a`. */
  readonly what: string;
}

/** A piece that goes over what is there: its values, and where they stand. */
export interface Layer extends Origin {
  readonly values: Values;
}

/** Origins by the path of the value they explain. */
export class Origins {
  readonly #known = new Map<string, Origin>();

  set(path: Path, origin: Origin): void {
    this.#known.set(key(path), origin);
  }

  /** The origin of a value, or of the nearest thing around it that has one, and the way down from there. */
  of(path: Path): { readonly origin: Origin; readonly below: Path } | undefined {
    for (let length = path.length; length >= 0; length--) {
      const origin = this.#known.get(key(path.slice(0, length)));
      if (origin !== undefined) return { origin, below: path.slice(length) };
    }
    return undefined;
  }

  /** Finds the place of a value of the whole in the file that it came from. */
  readonly locate: Locate = (path, name) => {
    const exact = name === undefined ? undefined : this.#known.get(key([...path, name]));
    if (exact !== undefined) return exact.place(exact.path.slice(0, -1), String(exact.path.at(-1)));
    const found = this.of(path);
    return found === undefined ? "" : found.origin.place([...found.origin.path, ...found.below], name);
  };
}

/**
 * Lays layers over each other, the last on top: objects key by key, one level deep and in `daemon` all the
 * way, everything else whole.
 * @param at where the result stands in the whole; origins are noted below it.
 */
export function overlay(layers: readonly Layer[], at: Path, origins: Origins): Values {
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

/** @param deep maps below are laid over each other as well. */
function noteOrigins(values: Values, at: Path, here: Origin, origins: Origins, deep: boolean): void {
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

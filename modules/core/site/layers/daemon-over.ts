/**
 * Merges `daemon` of a more specific layer over that of a more general one: key by key, in maps such as log-opts as well. Pure.
 */
import { isObject, type Values } from "./values.ts";

/**
 * A list is replaced as a whole. Options belong to a driver: a layer that sets another log-driver starts with empty log-opts.
 *
 * @param below the more general layer.
 * @param above the more specific one.
 */
export function daemonOver(below: Values, above: Values): Values {
  const driver = above["log-driver"];
  const other = driver !== undefined && driver !== (below["log-driver"] ?? "local");
  const kept = Object.fromEntries(Object.entries(below).filter(([key]) => !other || key !== "log-opts"));
  return mapOver(kept, above);
}

/** Merges a map over another, key by key at every level. */
export function mapOver(below: Values, above: Values): Values {
  const merged = Object.entries(above).map(([key, value]): [string, unknown] => {
    const under = below[key];
    return [key, isObject(value) && isObject(under) ? mapOver(under, value) : value];
  });
  return { ...below, ...Object.fromEntries(merged) };
}

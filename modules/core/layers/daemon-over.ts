/** `daemon` of a more specific place over that of a more general one: key by key, in maps such as log-opts as well. Pure. */
import { isObject, type Values } from "./values.ts";

/**
 * A list is replaced whole. Options belong to a driver: whoever names another log-driver begins log-opts anew.
 * @param below what is there already. @param above what goes over it.
 */
export function daemonOver(below: Values, above: Values): Values {
  const driver = above["log-driver"];
  const other = driver !== undefined && driver !== (below["log-driver"] ?? "local");
  const kept = Object.fromEntries(Object.entries(below).filter(([key]) => !other || key !== "log-opts"));
  return mapOver(kept, above);
}

function mapOver(below: Values, above: Values): Values {
  const merged = Object.entries(above).map(([key, value]): [string, unknown] => {
    const under = below[key];
    return [key, isObject(value) && isObject(under) ? mapOver(under, value) : value];
  });
  return { ...below, ...Object.fromEntries(merged) };
}

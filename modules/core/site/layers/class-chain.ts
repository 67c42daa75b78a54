/** The class of a host, and the classes that it extends. */
import type { Problem } from "../../errors.ts";
import { nearest } from "../../document/nearest.ts";
import type { Locate, Path } from "../../document/locate.ts";
import { shown, subject } from "../../shown.ts";
import { type Layer, overlay, ValueOrigins, without } from "./layered-values.ts";
import type { Values } from "./values.ts";

export interface Chain {
  /** The most distant ancestor first; without the key `extends`. */
  readonly layers: readonly Layer[];
  /** The class of the host, then what it extends. */
  readonly names: readonly string[];
  readonly problems: readonly Problem[];
}

/**
 * @param layersOf the definitions of a class, that of the shared file first.
 * @returns E_CLASS_UNKNOWN and E_CLASS_CYCLE as problems.
 */
export function classChain(
  host: Values,
  at: Path,
  known: readonly string[],
  layersOf: (name: string) => readonly Layer[],
  place: Locate,
): Chain {
  const chain: string[] = [];
  const layers: Layer[] = [];
  let next = host["class"];
  let where = place([...at, "class"]);
  let who = subject([...at, "class"]);
  while (typeof next === "string") {
    const name = next;
    const problem = (
      code: "E_CLASS_UNKNOWN" | "E_CLASS_CYCLE",
      found: string,
      expected: string,
      fix: string,
    ) => ({
      layers: [],
      names: [],
      problems: [{ where, code, subject: who, found, expected, fix }],
    });
    if (chain.includes(name)) {
      const round = [...chain.slice(chain.indexOf(name)), name].join(" -> ");
      return problem(
        "E_CLASS_CYCLE",
        round,
        "a chain of classes without a cycle",
        "remove one of these extends: keys",
      );
    }
    if (!known.includes(name)) {
      const expected =
        known.length === 0 ? "a defined class; none is defined" : `a defined class: ${known.join(", ")}`;
      const found = `class ${shown(name)} is not defined`;
      return problem("E_CLASS_UNKNOWN", found, expected, suggest(name, known, "classes"));
    }
    chain.push(name);
    const own = layersOf(name);
    const { extends: parent } = overlay(own, [], new ValueOrigins());
    const last = own.findLast(({ values }) => Object.hasOwn(values, "extends"));
    if (last !== undefined) {
      where = last.place([...last.path, "extends"]);
      who = subject([...last.path, "extends"]);
    }
    layers.unshift(...own.map(withoutExtends));
    next = parent;
  }
  return { layers, names: chain, problems: [] };
}

/** @param section the key under which these names are defined. */
export function suggest(name: string, known: readonly string[], section: "classes" | "teams"): string {
  const near = nearest(name, known);
  const define = `add it under ${section}: here or in the shared file`;
  return near === undefined ? define : `did you mean "${near}"? Otherwise ${define}`;
}

function withoutExtends(layer: Layer): Layer {
  return { ...layer, values: without(layer.values, "extends") };
}

/** The class of a host, and the classes which that one extends. */
import { closest } from "fastest-levenshtein";
import type { Problem } from "../errors.ts";
import type { Locate, Path } from "../locate.ts";
import { shown, subject } from "../shown.ts";
import { type Layer, overlay, Origins, without } from "./traced.ts";
import type { Values } from "./values.ts";

export interface Chain {
  /** The farthest ancestor first; without the words that make the chain. */
  readonly layers: readonly Layer[];
  readonly problems: readonly Problem[];
}

/**
 * @param layersOf what the files say of a class, the shared one first.
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
      got: string,
      expected: string,
      todo: string,
    ) => ({
      layers: [],
      problems: [{ where, code, subject: who, got, expected, todo }],
    });
    if (chain.includes(name)) {
      const round = [...chain.slice(chain.indexOf(name)), name].join(" -> ");
      return problem("E_CLASS_CYCLE", round, "classes that end somewhere", "remove one extends of these");
    }
    if (!known.includes(name)) {
      const expected = known.length === 0 ? "a class; there is none" : `one of ${known.join(", ")}`;
      return problem("E_CLASS_UNKNOWN", shown(name), expected, meant(name, known));
    }
    chain.push(name);
    const own = layersOf(name);
    const { extends: parent } = overlay(own, [], new Origins());
    const last = own.findLast(({ values }) => Object.hasOwn(values, "extends"));
    if (last !== undefined) {
      where = last.place([...last.path, "extends"]);
      who = subject([...last.path, "extends"]);
    }
    layers.unshift(...own.map(withoutExtends));
    next = parent;
  }
  return { layers, problems: [] };
}

export function meant(name: string, known: readonly string[]): string {
  return known.length === 0
    ? "define it in stacks/site.yaml"
    : `did you mean "${closest(name, known)}"? if not, define it`;
}

function withoutExtends(layer: Layer): Layer {
  return { ...layer, values: without(layer.values, "extends") };
}

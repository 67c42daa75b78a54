/** What the team of a host pins, in the words of a host's sections. */
import type { Problem } from "../errors.ts";
import type { Locate, Path } from "../locate.ts";
import { shown, subject } from "../shown.ts";
import { meant } from "./class-chain.ts";
import type { Layer, Origin } from "./traced.ts";
import type { Values } from "./values.ts";

/**
 * A host's team is its own, or that of its class.
 * @param layersOf what the files say of a team, the shared one first.
 * @returns E_TEAM_UNKNOWN as a problem.
 */
export function teamLayer(
  host: Values,
  classes: readonly Layer[],
  at: Path,
  known: readonly string[],
  layersOf: (name: string) => readonly Layer[],
  place: Locate,
): { readonly layers: readonly Layer[]; readonly problems: readonly Problem[] } {
  const owner = classes.findLast(({ values }) => Object.hasOwn(values, "team"));
  const own = Object.hasOwn(host, "team");
  const name = own ? host["team"] : owner?.values["team"];
  if (typeof name !== "string") return { layers: [], problems: [] };
  if (known.includes(name)) return { layers: layersOf(name).flatMap(sections), problems: [] };
  const path = own || owner === undefined ? [...at, "team"] : [...owner.path, "team"];
  const where = own || owner === undefined ? place(path) : owner.place(path);
  const expected = known.length === 0 ? "a team; there is none" : `one of ${known.join(", ")}`;
  const got = shown(name);
  const todo = meant(name, known);
  return {
    layers: [],
    problems: [{ where, code: "E_TEAM_UNKNOWN", subject: subject(path), got, expected, todo }],
  };
}

/** A team writes `engine: "28.5"`; a host has `engine: { version: "28.5" }`. */
function sections({ values, ...origin }: Layer): Layer[] {
  const { engine, compose, buildx, ...rest } = values;
  const pins = Object.entries({ version: engine, compose, buildx }).filter(
    ([, value]) => value !== undefined,
  );
  return [
    { ...origin, values: rest },
    ...pins.map(([key, value]) => ({
      ...origin,
      place: at(origin, key === "version" ? "engine" : key),
      values: { engine: { [key]: value } },
    })),
  ];
}

/** The pin stands at one key of the team, whatever the way to it is called in a host. */
function at({ place, path: team }: Origin, key: string): Locate {
  return (path, name) => (path.length > team.length ? place([...team, key]) : place(path, name));
}

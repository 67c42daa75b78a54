/** The versions that the team of a host pins, as sections of a host. */
import type { Problem } from "../../errors.ts";
import type { Locate, Path } from "../../document/locate.ts";
import { shown, subject } from "../../shown.ts";
import { suggest } from "./class-chain.ts";
import type { Layer, ValueOrigin } from "./layered-values.ts";
import type { Values } from "./values.ts";

/**
 * A host's team is its own, or that of its class.
 *
 * @param layersOf the definitions of a team, that of the shared file first.
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
  const expected =
    known.length === 0 ? "a defined team; none is defined" : `a defined team: ${known.join(", ")}`;
  const found = `team ${shown(name)} is not defined`;
  const fix = suggest(name, known, "teams");
  return {
    layers: [],
    problems: [{ where, code: "E_TEAM_UNKNOWN", subject: subject(path), found, expected, fix }],
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

/** The pin has one key in the team, whatever its path in a host. */
function at({ place, path: team }: ValueOrigin, key: string): Locate {
  return (path, name) => (path.length > team.length ? place([...team, key]) : place(path, name));
}

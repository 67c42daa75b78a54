/**
 * An environment as it counts: the shared file below, the environment's own words over it, and each host with what its
 * class and its team give it. The result has the shape of a site that one person wrote in one file, so that every rule of
 * such a site holds for it; where each part was written is known.
 */
import { refuse, type Problem } from "../errors.ts";
import type { Locate, Path } from "../locate.ts";
import { schemaProblems } from "../schema.ts";
import { classChain } from "./class-chain.ts";
import { readSharedFile } from "./shared-file.ts";
import { teamLayer } from "./team-layer.ts";
import { type Layer, Origins, overlay, without } from "./traced.ts";
import { isObject, type Values } from "./values.ts";

export interface Composed {
  /** The value of `sealift:site` with everything in its place. */
  readonly value: unknown;
  readonly origins: Origins;
  /** Texts of all files that it came from. */
  readonly texts: readonly string[];
}

/**
 * @param value the value of `sealift:site`.
 * @param file the site's file, as messages show it. @param texts of all files that it came from.
 * @throws {SealiftError} what is wrong with the shared file, with names of classes and teams, or with the environment's form.
 */
export function compose(value: unknown, file: string, texts: readonly string[], place: Locate): Composed {
  const origins = new Origins();
  origins.set([], { place, path: [], what: "site" });
  if (!isObject(value) || !isLayered(value)) return { value, origins, texts };
  // A form that is wrong could not be laid over anything.
  refuse(schemaProblems(value, place, "environment"));
  const { shared: name, classes, teams, hosts, ...own } = value;
  const shared = typeof name === "string" ? readSharedFile(name, file, place(["shared"])) : undefined;
  const under = (path: Path, what: string, values: unknown): Layer[] =>
    shared === undefined || !isObject(values) ? [] : [{ values, place: shared.place, path, what }];
  const over = (path: Path, what: string, values: unknown): Layer[] =>
    isObject(values) ? [{ values, place, path, what }] : [];
  const named = (kind: "classes" | "teams", what: string, one: string): Layer[] => {
    const environment = (kind === "classes" ? classes : teams) as Values | undefined;
    return [
      ...under([kind, one], `${what} ${one}`, shared?.[kind][one]),
      ...over([kind, one], `${what} ${one}`, environment?.[one]),
    ];
  };
  const names = (kind: "classes" | "teams", own: unknown): string[] => [
    ...new Set([...Object.keys(shared?.[kind] ?? {}), ...Object.keys(own ?? {})]),
  ];
  const known = { classes: names("classes", classes), teams: names("teams", teams) };
  const site = overlay([...under(["site"], "site", shared?.site), ...over([], "site", own)], [], origins);
  const problems: Problem[] = [];
  const list = (Array.isArray(hosts) ? hosts : []).map((host: Values, index) => {
    const at: Path = ["hosts", index];
    const what = `host ${String(host["name"])}`;
    const chain = classChain(host, at, known.classes, (one) => named("classes", "class", one), place);
    problems.push(...chain.problems);
    const team = teamLayer(host, chain.layers, at, known.teams, (one) => named("teams", "team", one), place);
    problems.push(...team.problems);
    origins.set(at, { place, path: at, what });
    return overlay([...chain.layers, ...team.layers, ...over(at, what, without(host, "class"))], at, origins);
  });
  refuse(problems);
  return {
    value: { ...site, hosts: list },
    origins,
    texts: [...texts, ...(shared === undefined ? [] : [shared.text])],
  };
}

function isLayered(value: Values): boolean {
  const hosts = Array.isArray(value["hosts"]) ? value["hosts"] : [];
  return (
    ["shared", "classes", "teams"].some((key) => Object.hasOwn(value, key)) ||
    hosts.some((host) => isObject(host) && (Object.hasOwn(host, "class") || Object.hasOwn(host, "team")))
  );
}

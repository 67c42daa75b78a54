/**
 * The effective configuration of an environment: the shared file, overridden by the environment's own file, and for each host the values of its
 * class and team. The result has the shape of a site in one file, so that the same rules apply; the origin of each part is known.
 */
import { refuse, type Problem } from "../../errors.ts";
import type { Locate, Path } from "../../document/locate.ts";
import { schemaProblems } from "../schema.ts";
import { classChain } from "./class-chain.ts";
import { readSharedFile } from "./shared-file.ts";
import { teamLayer } from "./team-layer.ts";
import { type Layer, ValueOrigins, overlay, without } from "./layered-values.ts";
import { isObject, type Values } from "./values.ts";

export interface Composed {
  /** The value of `sealift:site` with all layers applied. */
  readonly value: unknown;
  readonly origins: ValueOrigins;
  /** Texts of all its source files. */
  readonly texts: readonly string[];
}

/**
 * @param value the value of `sealift:site`.
 * @param file the site file, for messages.
 * @param texts of all its source files.
 * @throws {SealiftError} the problems of the shared file, of the names of classes and teams, or of the environment's form.
 */
export function compose(value: unknown, file: string, texts: readonly string[], place: Locate): Composed {
  const origins = new ValueOrigins();
  origins.set([], { place, path: [], what: "site" });
  if (!isObject(value) || !isLayered(value)) return { value, origins, texts };
  // An invalid form cannot be merged.
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
  const ofClass = new Map(known.classes.map((one) => [one, [] as unknown[]]));
  const list = (Array.isArray(hosts) ? hosts : []).map((host: Values, index) => {
    const at: Path = ["hosts", index];
    const what = `host ${String(host["name"])}`;
    const chain = classChain(host, at, known.classes, (one) => named("classes", "class", one), place);
    problems.push(...chain.problems);
    for (const one of chain.names) ofClass.get(one)?.push(host["name"]);
    const team = teamLayer(host, chain.layers, at, known.teams, (one) => named("teams", "team", one), place);
    problems.push(...team.problems);
    origins.set(at, { place, path: at, what });
    return overlay([...chain.layers, ...team.layers, ...over(at, what, without(host, "class"))], at, origins);
  });
  refuse(problems);
  return {
    value: { ...withHostsOfClasses(site, ofClass), hosts: list },
    origins,
    texts: [...texts, ...(shared === undefined ? [] : [shared.text])],
  };
}

/** Applications and workers of a class name its hosts afterwards; a class that is not defined stays, and the rules report it. */
function withHostsOfClasses(site: Values, ofClass: ReadonlyMap<string, readonly unknown[]>): Values {
  const { apps, swarm } = site;
  const withHosts = (of: unknown): unknown => {
    const hosts = isObject(of) && typeof of["class"] === "string" ? ofClass.get(of["class"]) : undefined;
    if (!isObject(of) || hosts === undefined) return of;
    const own = Array.isArray(of["hosts"]) ? (of["hosts"] as unknown[]) : [];
    return { ...without(of, "class"), hosts: [...new Set([...own, ...hosts])] };
  };
  return {
    ...site,
    ...(Array.isArray(apps) ? { apps: apps.map(withHosts) } : {}),
    ...(isObject(swarm) && isObject(swarm["workers"])
      ? { swarm: { ...swarm, workers: withHosts(swarm["workers"]) } }
      : {}),
  };
}

function isLayered(value: Values): boolean {
  const hosts = Array.isArray(value["hosts"]) ? value["hosts"] : [];
  return (
    ["shared", "classes", "teams"].some((key) => Object.hasOwn(value, key)) ||
    hosts.some((host) => isObject(host) && (Object.hasOwn(host, "class") || Object.hasOwn(host, "team")))
  );
}

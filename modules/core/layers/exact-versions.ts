/** From a line of versions, `28.5`, to the one version that the lock has of it. */
import { isObject, type Values } from "./values.ts";

/** What can be named by a line: a section of `engine`. */
export type Pinned = "version" | "compose" | "buildx";

/** The newest version of a line; undefined when there is none. */
export type Lines = (what: Pinned, line: string) => string | undefined;

/** A site with every line replaced that is known; one that is not stays, to be told by whoever looks it up in the bundle. */
export function exactVersions(site: unknown, lines: Lines): unknown {
  if (!isObject(site)) return site;
  const hosts: unknown = site["hosts"];
  return {
    ...withEngine(site, lines),
    ...(Array.isArray(hosts)
      ? { hosts: hosts.map((host: unknown) => (isObject(host) ? withEngine(host, lines) : host)) }
      : {}),
  };
}

/** Whether anything is named by a line. */
export function namesLines(site: unknown): boolean {
  let found = false;
  exactVersions(site, () => {
    found = true;
    return undefined;
  });
  return found;
}

/** The newest of `versions` that begins with the numbers of `line`, by number and not by letter. */
export function newestOf(line: string, versions: readonly string[]): string | undefined {
  return versions
    .filter((version) => version.startsWith(`${line}.`))
    .toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .at(-1);
}

function withEngine(sections: Values, lines: Lines): Values {
  const { engine } = sections;
  if (!isObject(engine)) return sections;
  const exact = Object.entries(engine).map(([key, value]) => {
    const line = typeof value === "string" && /^\d+\.\d+$/.test(value) ? value : undefined;
    return [key, line === undefined ? value : (lines(key as Pinned, line) ?? value)] as const;
  });
  return { ...sections, engine: Object.fromEntries(exact) };
}

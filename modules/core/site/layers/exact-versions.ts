/** Resolves a release series, `28.5`, to one version of the lock. */
import { isObject, type Values } from "./values.ts";

/** The keys of `engine` that accept a release series. */
export type VersionedKey = "version" | "compose" | "buildx";

/** What has versions: a key of `engine`, or an application. */
export type Versioned = VersionedKey | { readonly app: string };

/** The newest version of a release series; undefined when there is none. */
export type SeriesResolver = (what: Versioned, line: string) => string | undefined;

/** Replaces every known release series by its version; an unknown one stays, and the lookup in the bundle reports it. */
export function exactVersions(site: unknown, lines: SeriesResolver): unknown {
  if (!isObject(site)) return site;
  const { hosts, apps } = site;
  return {
    ...withEngine(site, lines),
    ...(Array.isArray(apps) ? { apps: apps.map((app: unknown) => withVersion(app, lines)) } : {}),
    ...(Array.isArray(hosts)
      ? { hosts: hosts.map((host: unknown) => (isObject(host) ? withEngine(host, lines) : host)) }
      : {}),
  };
}

/** Whether any version is a release series. */
export function usesReleaseSeries(site: unknown): boolean {
  let found = false;
  exactVersions(site, () => {
    found = true;
    return undefined;
  });
  return found;
}

/** The newest of `versions` in the release series `line`, compared by number, not by letter. */
export function newestInSeries(line: string, versions: readonly string[]): string | undefined {
  return versions
    .filter((version) => version.startsWith(`${line}.`))
    .toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .at(-1);
}

function withVersion(app: unknown, lines: SeriesResolver): unknown {
  if (!isObject(app)) return app;
  const { name, version } = app;
  if (typeof name !== "string" || typeof version !== "string" || !isSeries(version)) return app;
  return { ...app, version: lines({ app: name }, version) ?? version };
}

function isSeries(version: string): boolean {
  return /^\d+\.\d+$/.test(version);
}

function withEngine(sections: Values, lines: SeriesResolver): Values {
  const { engine } = sections;
  if (!isObject(engine)) return sections;
  const exact = Object.entries(engine).map(([key, value]) => {
    const line = typeof value === "string" && isSeries(value) ? value : undefined;
    return [key, line === undefined ? value : (lines(key as VersionedKey, line) ?? value)] as const;
  });
  return { ...sections, engine: Object.fromEntries(exact) };
}

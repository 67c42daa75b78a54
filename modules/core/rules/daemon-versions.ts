/** Keys that the host's engine does not know yet, and values that it does not have. Versions: tags of moby/moby, 20.10 to 29.7.2. */
import type { Problem } from "../errors.ts";
import type { Path } from "../locate.ts";
import { siteSchema } from "../schema.ts";
import { shown } from "../shown.ts";
import { engineBefore, text, type DaemonHost } from "./daemon-host.ts";

/** A node of the schema; `since` is the first engine version with the key. */
interface Node {
  readonly since?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
}

export function versionRules(site: DaemonHost): readonly Problem[] {
  const { host, tell } = site;
  const { version } = host.engine;
  const tooOld = visit(daemonNode(), host.daemon, []).flatMap(({ node: { since }, path }) => {
    if (since === undefined || !engineBefore(version, since)) return [];
    const got = `the key "${String(path.at(-1))}" for engine ${version ?? ""}`;
    const expected = `an engine from ${since} on`;
    return [tell(path, "E_KEY_VERSION", got, expected, "remove the key, or take such an engine")];
  });
  return [...tooOld, ...apiVersion(site), ...twoNames(site)];
}

/** The newest API of each engine, newest engine first: MaxAPIVersion, daemon/config/config.go of the tags docker-v29.0.0 to docker-v29.7.2. */
const newestApi: readonly [from: string, minor: number][] = [
  ["29.6.0", 55],
  ["29.3.0", 54],
  ["29.2.0", 53],
  ["29.0.0", 52],
];
/** MinAPIVersion of the same file. */
const oldestApi = 24;

/** A daemon that is to speak an API that it does not have ends when it starts; `dockerd --validate` takes it. */
function apiVersion({ host, tell }: DaemonHost): Problem[] {
  const value = text(host, "min-api-version");
  const minor = Number(/^1\.(\d+)$/.exec(value ?? "")?.[1]);
  const { version } = host.engine;
  const newest = newestApi.find(([from]) => version === undefined || !engineBefore(version, from))?.[1];
  if (value === undefined || newest === undefined || (minor >= oldestApi && minor <= newest)) return [];
  const expected = `1.${oldestApi} to 1.${newest}, which engine ${version ?? ""} has`;
  return [tell(["min-api-version"], "E_VALUE", shown(value), expected, 'write it like "1.44"')];
}

/** From 28 on the old name is taken for the new one, and both together are an error (moby daemon/config/config.go, migratedNamedConfig). */
function twoNames({ host, tell }: DaemonHost): Problem[] {
  if (host.daemon["host-gateway-ip"] === undefined || host.daemon["host-gateway-ips"] === undefined)
    return [];
  const expected = "host-gateway-ips alone, of which it is the old name";
  return [
    tell(["host-gateway-ip"], "E_CONFLICT", shown(host.daemon["host-gateway-ip"]), expected, "remove it"),
  ];
}

function visit(node: Node, value: unknown, path: Path): { node: Node; path: Path }[] {
  if (Array.isArray(value)) {
    const { items } = node;
    return items === undefined ? [] : value.flatMap((item, index) => visit(items, item, [...path, index]));
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(node.properties ?? {}).flatMap(([key, child]) => {
    if (!Object.hasOwn(value, key)) return [];
    const here = [...path, key];
    return [{ node: child, path: here }, ...visit(child, (value as Record<string, unknown>)[key], here)];
  });
}

let daemon: Node | undefined;
function daemonNode(): Node {
  daemon ??= (siteSchema() as { $defs: { daemon: Node } }).$defs.daemon;
  return daemon;
}

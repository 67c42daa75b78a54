/** Keys and values that the host's engine version does not support. Versions: tags of moby/moby, 20.10 to 29.7.2. */
import type { Problem } from "../../errors.ts";
import type { Path } from "../../document/locate.ts";
import { siteSchema } from "../schema.ts";
import { shown } from "../../shown.ts";
import { engineBefore, text, type DaemonHost } from "./daemon-host.ts";

/** A node of the schema; `since` is the first engine version with the key. */
interface Node {
  readonly since?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
}

export function versionRules(site: DaemonHost): readonly Problem[] {
  const { host, report } = site;
  const { version } = host.engine;
  const tooOld = visit(daemonNode(), host.daemon, []).flatMap(({ node: { since }, path }) => {
    if (since === undefined || !engineBefore(version, since)) return [];
    const found = `key "${String(path.at(-1))}" with engine ${version ?? ""}`;
    const expected = `engine ${since} or later`;
    return [
      report(
        path,
        "E_KEY_VERSION",
        found,
        expected,
        "remove the key, or choose that engine version or a later one",
      ),
    ];
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

/** A daemon does not start with an API version that it does not support; `dockerd --validate` accepts it. */
function apiVersion({ host, report }: DaemonHost): Problem[] {
  const value = text(host, "min-api-version");
  const minor = Number(/^1\.(\d+)$/.exec(value ?? "")?.[1]);
  const { version } = host.engine;
  const newest = newestApi.find(([from]) => version === undefined || !engineBefore(version, from))?.[1];
  if (value === undefined || newest === undefined || (minor >= oldestApi && minor <= newest)) return [];
  const expected = `1.${oldestApi} to 1.${newest}, the API versions of engine ${version ?? ""}`;
  return [report(["min-api-version"], "E_VALUE", shown(value), expected, 'write it like "1.44"')];
}

/**
 * Since 28 the old name is an alias of the new one, and both together are an error (moby daemon/config/config.go,
 * migratedNamedConfig).
 */
function twoNames({ host, report }: DaemonHost): Problem[] {
  if (host.daemon["host-gateway-ip"] === undefined || host.daemon["host-gateway-ips"] === undefined)
    return [];
  const expected = "only host-gateway-ips, the new name of this key";
  return [
    report(["host-gateway-ip"], "E_CONFLICT", shown(host.daemon["host-gateway-ip"]), expected, "remove it"),
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

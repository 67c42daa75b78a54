/** Keys that the host's engine does not know yet, or no longer. Versions: tags of moby/moby, 20.10 to 29.7.2. */
import type { Problem } from "../errors.ts";
import type { Path } from "../locate.ts";
import { siteSchema } from "../schema.ts";
import type { DaemonHost } from "./daemon-host.ts";

/** A node of the schema; `since` and `until` are engine versions, `until` the first one without the key. */
interface Node {
  readonly since?: string;
  readonly until?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
}

export function versionRules({ host, tell }: DaemonHost): readonly Problem[] {
  const { version } = host.engine;
  if (version === undefined) return [];
  return visit(daemonNode(), host.daemon, []).flatMap(({ node: { since, until }, path }) => {
    const tooOld = since !== undefined && compareVersions(version, since) < 0;
    const tooNew = until !== undefined && compareVersions(version, until) >= 0;
    if (!tooOld && !tooNew) return [];
    const got = `the key "${String(path.at(-1))}" for engine ${version}`;
    const expected = tooOld ? `an engine from ${since} on` : `an engine before ${until ?? ""}`;
    return [tell(path, "E_KEY_VERSION", got, expected, "remove the key, or take such an engine")];
  });
}

/** Below zero when the first is the older one. */
function compareVersions(one: string, other: string): number {
  const parts = (version: string): number[] => version.split(".").map(Number);
  const right = parts(other);
  const steps = parts(one).map((part, index) => part - (right[index] ?? 0));
  return steps.find((step) => step !== 0) ?? 0;
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

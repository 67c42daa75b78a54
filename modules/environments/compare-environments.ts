/** Compares two environments: the versions of their teams, and what a promotion would cost. Pure. */
import type { Lock } from "../../offline-bundle/spec/lock-file.ts";
import type { HostSpec } from "../core/site/site-spec.ts";

/** An environment, and the lock of its bundle. */
export interface PinnedEnvironment {
  readonly name: string;
  readonly hosts: readonly HostSpec[];
  /** Undefined when it cannot be read: then licences and bytes are unknown. */
  readonly lock: Lock | undefined;
}

/** An item that a team uses in both environments in different versions, or in only one of them. */
export interface EnvironmentChange {
  /** The team, or `-` for hosts without one. */
  readonly team: string;
  /** `engine`, `compose`, `buildx`, or `image`. */
  readonly what: string;
  /** Versions in the environment that would change; several when its hosts differ. Empty: it does not use the item. */
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** SPDX expression of the new version; undefined when the lock does not have it. */
  readonly licence?: string;
  /** Bytes to transfer, because the lock of the environment lacks them; undefined when a size is unknown. */
  readonly bytes?: number;
  /** Hosts whose engine would change, and the impact there. */
  readonly hosts: readonly { readonly name: string; readonly cost: Cost }[];
}

/** The impact of an engine change on the containers of a host, estimated without a probe; the preview shows the exact one. */
export type Cost = "restart, containers keep running" | "containers stop";

/** What promoting `from` to `to` would change. Sorted by team, then by item. */
export function environmentChanges(
  from: PinnedEnvironment,
  to: PinnedEnvironment,
): readonly EnvironmentChange[] {
  const teams = [...new Set(to.hosts.map(teamOf))].filter((team) =>
    from.hosts.some((host) => teamOf(host) === team),
  );
  return teams.toSorted().flatMap((team) => {
    const source = from.hosts.filter((host) => teamOf(host) === team);
    const target = to.hosts.filter((host) => teamOf(host) === team);
    return kinds.flatMap((kind) => changeOf(team, kind, source, target, from.lock, to.lock));
  });
}

const kinds = ["engine", "compose", "buildx", "image"] as const;
type Kind = (typeof kinds)[number];

function changeOf(
  team: string,
  what: Kind,
  source: readonly HostSpec[],
  target: readonly HostSpec[],
  sourceLock: Lock | undefined,
  targetLock: Lock | undefined,
): EnvironmentChange[] {
  const coming = values(what, source);
  const others = values(what, target);
  const same = coming.join() === others.join();
  if (same || coming.length === 0) return [];
  const added = coming.filter((version) => !others.includes(version));
  const pins =
    sourceLock === undefined ? [] : added.flatMap((version) => pinsOf(what, version, sourceLock, target));
  const here = new Set((targetLock?.files ?? []).map(({ sha256 }) => sha256));
  const missing = pins.filter(({ sha256 }) => !here.has(sha256));
  const known =
    sourceLock !== undefined && missing.every(({ bytes }) => bytes !== undefined) && what !== "image";
  const [first] = pins;
  return [
    {
      ...{ team, what, from: others, to: coming },
      ...(first === undefined ? {} : { licence: first.licence }),
      ...(known ? { bytes: missing.reduce((sum, { bytes = 0 }) => sum + bytes, 0) } : {}),
      hosts: what === "engine" ? target.flatMap((host) => costAt(host, coming)) : [],
    },
  ];
}

function values(what: Kind, hosts: readonly HostSpec[]): string[] {
  const all = hosts.flatMap(({ engine, images }) => {
    if (what === "image") return [...images];
    const version = what === "engine" ? engine.version : engine[what];
    return version === undefined ? [] : [version];
  });
  return [...new Set(all)].toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

function pinsOf(what: Kind, version: string, { files }: Lock, target: readonly HostSpec[]): Lock["files"] {
  const name = what === "engine" ? "docker" : what;
  const platforms = target.map(({ architecture }) => `linux/${architecture}`);
  return files.filter(
    (file) => file.name === name && file.version === version && platforms.includes(file.platform),
  );
}

/** Within one minor version, live-restore keeps containers running (decision 0008). */
function costAt({ name, engine, daemon }: HostSpec, coming: readonly string[]): EnvironmentChange["hosts"] {
  const next = coming.length === 1 ? coming[0] : undefined;
  if (next === engine.version) return [];
  const line = (version: string): string => version.split(".").slice(0, 2).join(".");
  const keeps = next !== undefined && line(next) === line(engine.version) && daemon["live-restore"] === true;
  return [{ name, cost: keeps ? "restart, containers keep running" : "containers stop" }];
}

function teamOf({ team }: HostSpec): string {
  return team ?? "-";
}

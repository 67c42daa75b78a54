/** What one environment has that another has not: the versions that teams run, and what taking them over would cost. Pure. */
import type { Lock } from "../offline-bundle/lock-file.ts";
import type { HostSpec } from "./core/site-spec.ts";

/** An environment, and the lock that its bundle is built from. */
export interface Pinned {
  readonly name: string;
  readonly hosts: readonly HostSpec[];
  /** Undefined when there is none to read: then licences and bytes are not known. */
  readonly lock: Lock | undefined;
}

/** One thing that a team runs in both environments, in different versions, or in one of them only. */
export interface Change {
  /** The team, or `-` for hosts of none. */
  readonly team: string;
  /** `engine`, `compose`, `buildx`, or `image`. */
  readonly what: string;
  /** Versions in the environment that would change; several when its hosts differ. Empty: it does not have it. */
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** SPDX expression of what would come; undefined when the lock does not say. */
  readonly licence?: string;
  /** Bytes that have to be carried in, because the lock of the environment lacks them; undefined when a size is not known. */
  readonly bytes?: number;
  /** Hosts that an engine change touches, and what it costs there. */
  readonly hosts: readonly { readonly name: string; readonly cost: Cost }[];
}

/** What another engine costs the containers of a host, before anyone has looked at it; the preview says it exactly. */
export type Cost = "restart, containers run on" | "containers stop";

/** What `to` would change if it took over what `from` runs. Sorted by team, then by what. */
export function promotion(from: Pinned, to: Pinned): readonly Change[] {
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
): Change[] {
  const coming = values(what, source);
  const there = values(what, target);
  const same = coming.join() === there.join();
  if (same || coming.length === 0) return [];
  const added = coming.filter((version) => !there.includes(version));
  const pins =
    sourceLock === undefined ? [] : added.flatMap((version) => pinsOf(what, version, sourceLock, target));
  const here = new Set((targetLock?.files ?? []).map(({ sha256 }) => sha256));
  const missing = pins.filter(({ sha256 }) => !here.has(sha256));
  const known =
    sourceLock !== undefined && missing.every(({ bytes }) => bytes !== undefined) && what !== "image";
  const [first] = pins;
  return [
    {
      ...{ team, what, from: there, to: coming },
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

/** Within one minor version live-restore keeps containers running (decision 0008). */
function costAt({ name, engine, daemon }: HostSpec, coming: readonly string[]): Change["hosts"] {
  const next = coming.length === 1 ? coming[0] : undefined;
  if (next === engine.version) return [];
  const line = (version: string): string => version.split(".").slice(0, 2).join(".");
  const keeps = next !== undefined && line(next) === line(engine.version) && daemon["live-restore"] === true;
  return [{ name, cost: keeps ? "restart, containers run on" : "containers stop" }];
}

function teamOf({ team }: HostSpec): string {
  return team ?? "-";
}

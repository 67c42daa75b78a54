/** What changes for a repository between two versions of Sealift. Pure. */
import type { Problem } from "../core/errors.ts";
import type { OfflineEnvironment, OfflineHost, OfflineStep } from "./offline-plan.ts";
import type { ToolkitPlan } from "./toolkit-plan.ts";
import type { Toolkit } from "./toolkit.ts";

/** `added` has no `from`, `removed` has no `to`. */
type ChangeKind = "added" | "removed" | "changed";

/** A requirement, a format, or the library. */
export interface RequirementChange {
  readonly what: string;
  readonly from?: string;
  readonly to?: string;
}

export interface KeyChange {
  readonly key: string;
  readonly change: ChangeKind | "renamed";
  /** The rule of the key as JSON Schema; of a renamed key its names. */
  readonly from?: string;
  readonly to?: string;
  /** Environments that set the key. */
  readonly usedBy: readonly string[];
}

export interface StepChange {
  readonly code: string;
  /** `moved`: the first step of those whose order differs. */
  readonly change: ChangeKind | "moved";
  readonly from?: OfflineStep;
  readonly to?: OfflineStep;
}

export interface HostChange {
  readonly name: string;
  readonly steps: readonly StepChange[];
}

export interface EnvironmentUpgrade {
  readonly environment: string;
  /** Both versions have a plan of it. */
  readonly compared: boolean;
  /** Problems that only the other version reports. */
  readonly problems: readonly Problem[];
  /** Problems of the current version. */
  readonly current: readonly Problem[];
  /** Hosts whose plans differ. */
  readonly hosts: readonly HostChange[];
}

export interface ToolkitUpgrade {
  readonly from: string;
  readonly to: string;
  readonly downgrade: boolean;
  /** Whether anything but the version differs. */
  readonly changes: boolean;
  readonly requirements: readonly RequirementChange[];
  readonly keys: readonly KeyChange[];
  readonly errorCodes: { readonly added: readonly string[]; readonly removed: readonly string[] };
  readonly environments: readonly EnvironmentUpgrade[];
}

/** @param current the installed version. @param other the one to change to. */
export function compareToolkits(current: ToolkitPlan, other: ToolkitPlan): ToolkitUpgrade {
  const [from, to] = [current.toolkit, other.toolkit];
  const downgrade = isOlder(to.version, from.version);
  const requirements = requirementChanges(from, to);
  const keys = keyChanges(current, other);
  const errorCodes = {
    added: to.errorCodes.filter((code) => !from.errorCodes.includes(code)),
    removed: from.errorCodes.filter((code) => !to.errorCodes.includes(code)),
  };
  const environments = current.environments.map((one) =>
    environmentUpgrade(
      one,
      other.environments.find(({ environment }) => environment === one.environment),
    ),
  );
  const changes =
    downgrade ||
    [requirements, keys, errorCodes.added, errorCodes.removed].some(({ length }) => length > 0) ||
    environments.some(({ problems, hosts }) => problems.length + hosts.length > 0);
  return {
    ...{ from: from.version, to: to.version, downgrade, changes },
    ...{ requirements, keys, errorCodes, environments },
  };
}

function requirementChanges(from: Toolkit, to: Toolkit): readonly RequirementChange[] {
  const rows = (one: Toolkit): ReadonlyMap<string, string> =>
    new Map([
      ["Node.js", one.requires.node],
      ["Pulumi plugin command", one.requires.commandPlugin],
      ...Object.entries(one.requires.packages),
      ["bundle format", String(one.bundleFormat)],
      ["library", `${one.library.sha256.slice(0, 12)}, ${one.library.bytes} bytes`],
    ]);
  const [before, after] = [rows(from), rows(to)];
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((what) => before.get(what) !== after.get(what))
    .map((what) => ({ what, ...sides(before.get(what), after.get(what)) }));
}

function keyChanges(current: ToolkitPlan, other: ToolkitPlan): readonly KeyChange[] {
  const [before, after] = [current.toolkit.siteKeys, other.toolkit.siteKeys];
  const usedBy = (key: string): readonly string[] =>
    current.environments.filter(({ keys }) => keys.includes(key)).map(({ environment }) => environment);
  // The other version knows the keys that it has renamed; one that is older does not, and the current one does.
  const renamed = new Map(
    Object.keys(before).flatMap((key) => {
      if (Object.hasOwn(after, key)) return [];
      const name = renamedIn(key, other.toolkit, before) ?? renamedFrom(key, current.toolkit, after);
      return name === undefined ? [] : [[key, name] as const];
    }),
  );
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  return names.flatMap((key): KeyChange[] => {
    const to = renamed.get(key);
    if (to !== undefined) return [{ key, change: "renamed", from: key, to, usedBy: usedBy(key) }];
    if ([...renamed.values()].includes(key) && !Object.hasOwn(before, key)) return [];
    if (before[key] === after[key]) return [];
    const rules = sides(before[key], after[key]);
    return [{ key, change: kindOf(rules), ...rules, usedBy: usedBy(key) }];
  });
}

/** The new name of a key beside the old one. */
function renamedIn(key: string, { siteKeys, renamedKeys }: Toolkit, before: object): string | undefined {
  const at = key.lastIndexOf(".") + 1;
  const names = Object.hasOwn(renamedKeys, key.slice(at)) ? (renamedKeys[key.slice(at)] ?? []) : [];
  return names
    .map((name) => key.slice(0, at) + name)
    .find((name) => Object.hasOwn(siteKeys, name) && !Object.hasOwn(before, name));
}

/** The earlier name of a key that an older version has. */
function renamedFrom(key: string, { renamedKeys }: Toolkit, after: object): string | undefined {
  const at = key.lastIndexOf(".") + 1;
  const earlier = Object.entries(renamedKeys).filter(([, names]) => names.includes(key.slice(at)));
  return earlier.map(([name]) => key.slice(0, at) + name).find((name) => Object.hasOwn(after, name));
}

function environmentUpgrade(
  from: OfflineEnvironment,
  to: OfflineEnvironment | undefined,
): EnvironmentUpgrade {
  const text = (one: Problem): string => JSON.stringify([one.where, one.code, one.subject, one.found]);
  const known = new Set(from.problems.map(text));
  const problems = (to?.problems ?? []).filter((one) => !known.has(text(one)));
  const compared = to !== undefined && from.problems.length + to.problems.length === 0;
  const hosts = compared ? from.hosts.map((host) => hostChange(host, to.hosts)) : [];
  return {
    environment: from.environment,
    compared,
    problems,
    current: from.problems,
    hosts: hosts.filter(({ steps }) => steps.length > 0),
  };
}

function hostChange({ name, steps }: OfflineHost, others: readonly OfflineHost[]): HostChange {
  const [before, after] = [steps, others.find((one) => one.name === name)?.steps ?? []].map(
    (all) => new Map(all.map((step) => [step.code, step])),
  );
  if (before === undefined || after === undefined) return { name, steps: [] };
  const codes = [...new Set([...before.keys(), ...after.keys()])];
  const kept = (from: ReadonlyMap<string, unknown>, to: ReadonlyMap<string, unknown>): readonly string[] =>
    [...from.keys()].filter((code) => to.has(code));
  const [order, newOrder] = [kept(before, after), kept(after, before)];
  const moved = newOrder.find((code, at) => code !== order[at]);
  return {
    name,
    steps: codes.flatMap((code): StepChange[] => {
      const both = sides(before.get(code), after.get(code));
      if (differ(both.from, both.to)) return [{ code, change: kindOf(both), ...both }];
      return code === moved ? [{ code, change: "moved", ...both }] : [];
    }),
  };
}

function differ(from: OfflineStep | undefined, to: OfflineStep | undefined): boolean {
  return from?.fact !== to?.fact || from?.effect !== to?.effect || from?.call !== to?.call;
}

function sides<T>(from: T | undefined, to: T | undefined): { readonly from?: T; readonly to?: T } {
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}

function kindOf({ from, to }: { readonly from?: unknown; readonly to?: unknown }): ChangeKind {
  if (from === undefined) return "added";
  return to === undefined ? "removed" : "changed";
}

/** Semantic Versioning 2.0.0, section 11. */
function isOlder(one: string, other: string): boolean {
  const [a, b] = [one, other].map(precedence);
  if (a === undefined || b === undefined) return false;
  const at = a.findIndex((part, index) => part !== b[index]);
  if (at === -1) return a.length < b.length;
  const [left, right] = [a[at], b[at]];
  if (right === undefined) return false;
  if (typeof left === "number" && typeof right === "number") return left < right;
  if (typeof left === typeof right) return String(left) < String(right);
  return typeof left === "number";
}

/** The parts that decide, in order. A pre-release comes before its release: `0` is before `1`. */
function precedence(version: string): readonly (number | string)[] {
  const [, core = "", pre] = /^([^-+]*)(?:-([^+]*))?/.exec(version) ?? [];
  const parts = (text: string): (number | string)[] =>
    text.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  return [...parts(core), ...(pre === undefined ? [1] : [0, ...parts(pre)])];
}

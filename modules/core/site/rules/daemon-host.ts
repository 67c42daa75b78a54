/** One host as the rules of daemon.json see it: the merged keys, and where each of them is set. */
import type { ErrorCode, Problem } from "../../errors.ts";
import type { Path } from "../../document/locate.ts";
import type { Cidr } from "../address.ts";
import type { MergedHost, Sections, SiteFile } from "../merge.ts";
import type { ProblemBuilder } from "./problem-builder.ts";

export interface DaemonHost {
  readonly host: MergedHost;
  readonly file: SiteFile;
  /** Addresses of all hosts of the site. */
  readonly addresses: readonly NamedNetwork[];
  /** Reports a problem of a key of daemon, where the key is set. */
  readonly report: (key: Path, code: ErrorCode, found: string, expected: string, fix: string) => Problem;
  /** The same for a key of containerLimits. */
  readonly reportLimit: (key: Path, code: ErrorCode, found: string, expected: string, fix: string) => Problem;
}

/** A network, and what it is for messages; undefined for a name of DNS. */
export type NamedNetwork = readonly [what: string, network: Cidr | undefined];

export type DaemonRule = (host: DaemonHost) => readonly Problem[];

export function daemonHost(
  file: SiteFile,
  hosts: readonly MergedHost[],
  addresses: readonly NamedNetwork[],
  index: number,
  problemAt: ProblemBuilder,
): DaemonHost {
  const host = hosts[index] as MergedHost;
  const at = (section: keyof Sections, key: Path): Path => {
    const own = (file.hosts[index]?.[section] ?? {}) as object;
    const inherited = (file[section] ?? {}) as object;
    const name = String(key[0]);
    const sites = !Object.hasOwn(own, name) && Object.hasOwn(inherited, name);
    return sites ? [section, ...key] : ["hosts", index, section, ...key];
  };
  return {
    host,
    file,
    addresses,
    report: (key, ...words) => problemAt(at("daemon", key), ...words),
    reportLimit: (key, ...words) => problemAt(at("containerLimits", key), ...words),
  };
}

/** A key with a list of strings; empty when it is absent. The schema has checked the type. */
export function list(host: MergedHost, key: string): readonly string[] {
  return (host.daemon[key] ?? []) as readonly string[];
}

/** A key with a map; empty when it is absent. */
export function map(host: MergedHost, key: string): Readonly<Record<string, unknown>> {
  return (host.daemon[key] ?? {}) as Readonly<Record<string, unknown>>;
}

/** A key with a map of strings; empty when it is absent. */
export function texts(host: MergedHost, key: string): Readonly<Record<string, string>> {
  return map(host, key) as Readonly<Record<string, string>>;
}

/** A key with a string; undefined when it is absent. */
export function text(host: MergedHost, key: string): string | undefined {
  return host.daemon[key] as string | undefined;
}

/** Whether the engine is older than a version; false while the site does not set the engine. */
export function engineBefore(version: string | undefined, other: string): boolean {
  if (version === undefined) return false;
  const parts = (text: string): number[] => text.split(".").map(Number);
  const right = parts(other);
  const steps = parts(version).map((part, index) => part - (right[index] ?? 0));
  return (steps.find((step) => step !== 0) ?? 0) < 0;
}

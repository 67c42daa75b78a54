/** One host as the rules of daemon.json see it: the merged keys, and where each of them is written. */
import type { ErrorCode, Problem } from "../errors.ts";
import type { Path } from "../locate.ts";
import type { MergedHost, Sections, SiteFile } from "../merge.ts";
import type { Say } from "./say.ts";

export interface DaemonHost {
  readonly host: MergedHost;
  readonly file: SiteFile;
  /** All hosts of the site. */
  readonly hosts: readonly MergedHost[];
  /** Says a problem of a key of daemon, at the place where it is written. */
  readonly tell: (key: Path, code: ErrorCode, got: string, expected: string, todo: string) => Problem;
  /** The same for a key of containerLimits. */
  readonly tellLimit: (key: Path, code: ErrorCode, got: string, expected: string, todo: string) => Problem;
}

export type DaemonRule = (host: DaemonHost) => readonly Problem[];

export function daemonHost(
  file: SiteFile,
  hosts: readonly MergedHost[],
  index: number,
  say: Say,
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
    hosts,
    tell: (key, ...words) => say(at("daemon", key), ...words),
    tellLimit: (key, ...words) => say(at("containerLimits", key), ...words),
  };
}

/** A key that holds a list of texts; empty when it is not there. The schema has made sure of the type. */
export function list(host: MergedHost, key: string): readonly string[] {
  return (host.daemon[key] ?? []) as readonly string[];
}

/** A key that holds a map; empty when it is not there. */
export function map(host: MergedHost, key: string): Readonly<Record<string, unknown>> {
  return (host.daemon[key] ?? {}) as Readonly<Record<string, unknown>>;
}

/** A key that holds a map of texts; empty when it is not there. */
export function texts(host: MergedHost, key: string): Readonly<Record<string, string>> {
  return map(host, key) as Readonly<Record<string, string>>;
}

/** A key that holds a text; undefined when it is not there. */
export function text(host: MergedHost, key: string): string | undefined {
  return host.daemon[key] as string | undefined;
}

/** Whether an engine is older than another one; false while the site does not say which engine. */
export function engineBefore(version: string | undefined, other: string): boolean {
  if (version === undefined) return false;
  const parts = (text: string): number[] => text.split(".").map(Number);
  const right = parts(other);
  const steps = parts(version).map((part, index) => part - (right[index] ?? 0));
  return (steps.find((step) => step !== 0) ?? 0) < 0;
}

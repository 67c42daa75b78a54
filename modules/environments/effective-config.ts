/** The effective config of a site, host by host and key by key, and where each value is set. */
import type { Problem } from "../core/errors.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import { withoutSecrets } from "../core/shown.ts";
import type { Composed } from "../core/site/layers/compose.ts";
import { isObject } from "../core/site/layers/values.ts";
import type { Path } from "../core/document/locate.ts";
import { readEnvironment } from "./read-environment.ts";

export interface ShownValue {
  /** `daemon.log-driver`. */
  readonly key: string;
  /** Secrets are omitted. */
  readonly value: unknown;
  /** `file:line:column`; undefined for a default. */
  readonly where?: string;
  /** `site`, `class docker-host`, `team payments`, `host node-a`, or `default`. */
  readonly what: string;
}

export interface ShownHost {
  readonly name: string;
  readonly values: readonly ShownValue[];
}

export interface EffectiveConfig {
  readonly hosts: readonly ShownHost[];
  /** Why release series are not resolved although there is a bundle or a lock. */
  readonly warnings: readonly Problem[];
}

/**
 * @param environment as in stacks/<environment>.site.yaml.
 * @throws {SealiftError} with every problem of the site file.
 */
export async function effectiveConfig(environment: string): Promise<EffectiveConfig> {
  const { site, composed, opened } = await readEnvironment(environment);
  return {
    hosts: site.hosts.map((host, index) => ({ name: host.name, values: valuesOf(host, index, composed) })),
    warnings: opened.problems,
  };
}

function valuesOf(host: HostSpec, index: number, composed: Composed): readonly ShownValue[] {
  return Object.entries(host).flatMap(([key, value]: [string, unknown]) => {
    if (!isObject(value)) return [shown([key], value, index, composed)];
    return Object.entries(value).map(([inner, one]) => shown([key, inner], one, index, composed));
  });
}

function shown(path: Path, value: unknown, index: number, { value: site, origins }: Composed): ShownValue {
  const found = [["hosts", index, ...path], path].find((one) => has(site, one));
  const reported = found === undefined ? undefined : origins.of(found);
  return {
    key: path.join("."),
    value: JSON.parse(withoutSecrets(value)),
    ...(found === undefined ? {} : { where: origins.locate(found) }),
    what: reported === undefined ? "default" : nameOf(reported.origin.what, found),
  };
}

/** In an environment with a single file, a host's own values are not a layer. */
function nameOf(what: string, found: Path | undefined): string {
  return what === "site" && found?.[0] === "hosts" ? "host" : what;
}

function has(value: unknown, [first, ...rest]: Path): boolean {
  if (first === undefined) return true;
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, first)) return false;
  return has((value as Readonly<Record<string | number, unknown>>)[first], rest);
}

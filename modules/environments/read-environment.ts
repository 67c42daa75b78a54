/** The effective config of an environment, without contacting any host. */
import { signedLock } from "../../offline-bundle/signing/signed-lock.ts";
import { readLock, type Lock } from "../../offline-bundle/spec/lock-file.ts";
import { type ErrorCode, SealiftError, type Problem } from "../core/errors.ts";
import type { Composed } from "../core/site/layers/compose.ts";
import { usesReleaseSeries } from "../core/site/layers/exact-versions.ts";
import { bundleIn, completeSite, composeSite } from "../core/site/site.ts";
import type { SiteBundleSpec, Site } from "../core/site/site-spec.ts";
import { seriesResolver } from "./resolve-version.ts";
import { readStackFile } from "./stack-file.ts";

/** What was found at the bundle's path. */
export interface EnvironmentBundle {
  /** The lock that resolves a release series such as `28.5`; undefined: the series stays as it is written. */
  readonly lock: Lock | undefined;
}

export interface Environment<T extends EnvironmentBundle = EnvironmentBundle> {
  /** The site file, for messages. */
  readonly file: string;
  /** The values, and where each is set. */
  readonly composed: Composed;
  readonly site: Site;
  readonly opened: T;
}

/** What is known about an environment's pins. */
export interface Pins extends EnvironmentBundle {
  /** Why the pins are not trusted; empty when there are none. */
  readonly problems: readonly Problem[];
}

/**
 * For reading: of the bundle, only its signatures and its lock are checked.
 *
 * @param name as in stacks/<name>.site.yaml.
 * @throws {SealiftError} with every problem of the site file.
 */
export function readEnvironment(name: string): Promise<Environment<Pins>> {
  const { file, value } = readStackFile(name);
  return environmentOf(value, file, pinsOf);
}

/**
 * An environment whose release series are resolved by the lock that `open` accepts: no other lock is read.
 *
 * @param open called once; if the site has a release series, before its rules are applied.
 * @throws {SealiftError} with every problem of the site file.
 */
export async function environmentOf<T extends EnvironmentBundle>(
  value: unknown,
  file: string,
  open: (bundle: SiteBundleSpec) => Promise<T>,
): Promise<Environment<T>> {
  const composed = composeSite(value, file);
  if (!usesReleaseSeries(composed.value)) {
    const site = completeSite(composed);
    return { file, composed, site, opened: await open(site.bundle) };
  }
  const opened = await open(bundleIn(composed));
  const { lock } = opened;
  const site = completeSite(composed, lock === undefined ? undefined : seriesResolver(lock));
  return { file, composed, site, opened };
}

/**
 * The lock that the site configures, or the one in its signed bundle.
 * @throws {SealiftError} E_LOCK_MISSING or E_BUNDLE_MISSING when it is absent; the problems of one that is refused.
 */
export function lockOf({ directory, lock, ...policy }: SiteBundleSpec): Promise<Lock> {
  return lock === undefined ? signedLock(directory, policy) : readLock(lock);
}

/** The same for reading: an absent one is no problem. */
export async function pinsOf(bundle: SiteBundleSpec): Promise<Pins> {
  try {
    return { lock: await lockOf(bundle), problems: [] };
  } catch (error) {
    if (!(error instanceof SealiftError)) throw error;
    // Many environments are read on machines without their bundle.
    const problems = error.problems.filter(({ code }) => !absent.includes(code));
    return { lock: undefined, problems };
  }
}

const absent: readonly ErrorCode[] = ["E_BUNDLE_MISSING", "E_LOCK_MISSING"];

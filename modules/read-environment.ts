/** An environment as it counts, without asking any host. */
import { signedLock } from "../offline-bundle/signed-lock.ts";
import { readLock, type Lock } from "../offline-bundle/lock-file.ts";
import { type ErrorCode, SealiftError, type Problem } from "./core/errors.ts";
import type { Composed } from "./core/layers/compose.ts";
import { namesLines } from "./core/layers/exact-versions.ts";
import { bundleIn, completeSite, composeSite } from "./core/site.ts";
import type { BundleSpec, Site } from "./core/site-spec.ts";
import { linesIn } from "./lines.ts";
import { readStackFile } from "./stack-file.ts";

/** What was found where the bundle should be. */
export interface Opened {
  /** The lock that says what `28.5` stands for; undefined: such a version stays as it is written. */
  readonly lock: Lock | undefined;
}

export interface Environment<T extends Opened = Opened> {
  /** The file that the site is written in, as messages show it. */
  readonly file: string;
  /** What was written, and where. */
  readonly composed: Composed;
  readonly site: Site;
  readonly opened: T;
}

/** What is known of an environment's pins. */
export interface Pins extends Opened {
  /** Why those that are there cannot be believed; nothing when none are there. */
  readonly problems: readonly Problem[];
}

/**
 * For reading: of the bundle only its signatures and its lock are looked at.
 *
 * @param name as in stacks/<name>.site.yaml.
 * @throws {SealiftError} with every problem of the site file.
 */
export function readEnvironment(name: string): Promise<Environment<Pins>> {
  const { file, value } = readStackFile(name);
  return environmentOf(value, file, pinsOf);
}

/**
 * An environment whose lines of versions are those of what `open` vouches for: no other lock is looked at.
 *
 * @param open called once. Where the site names a line, before its rules are held against it.
 * @throws {SealiftError} with every problem of the site file.
 */
export async function environmentOf<T extends Opened>(
  value: unknown,
  file: string,
  open: (bundle: BundleSpec) => Promise<T>,
): Promise<Environment<T>> {
  const composed = composeSite(value, file);
  if (!namesLines(composed.value)) {
    const site = completeSite(composed);
    return { file, composed, site, opened: await open(site.bundle) };
  }
  const opened = await open(bundleIn(composed));
  const { lock } = opened;
  const site = completeSite(composed, lock === undefined ? undefined : linesIn(lock));
  return { file, composed, site, opened };
}

/** The lock that the site names, or the one that the signers of its bundle have signed. */
export async function pinsOf({ directory, lock, ...policy }: BundleSpec): Promise<Pins> {
  try {
    return {
      lock: lock === undefined ? await signedLock(directory, policy) : await readLock(lock),
      problems: [],
    };
  } catch (error) {
    if (!(error instanceof SealiftError)) throw error;
    // Many environments are read where their bundle is not.
    const problems = error.problems.filter(({ code }) => !absent.includes(code));
    return { lock: undefined, problems };
  }
}

const absent: readonly ErrorCode[] = ["E_BUNDLE_MISSING", "E_LOCK_MISSING"];

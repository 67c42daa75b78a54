/** Everything that can be wrong with environments, found without asking any host. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Lookup, lookupIn } from "../offline-bundle/lookup.ts";
import { inside } from "../offline-bundle/layout.ts";
import { readLock } from "../offline-bundle/lock-file.ts";
import { verifyBundle } from "../offline-bundle/verify.ts";
import { SealiftError, type Problem } from "./core/errors.ts";
import type { Composed } from "./core/layers/compose.ts";
import { doorway } from "./core/rules/hosts.ts";
import type { Site } from "./core/site-spec.ts";
import { stackFileOf } from "./core/site-text.ts";
import { hostFiles } from "./engine/from-bundle.ts";
import { environmentOf, type Opened } from "./read-environment.ts";
import { readStackFile, siteMissing } from "./stack-file.ts";

export interface CheckedEnvironment {
  readonly environment: string;
  readonly file: string;
  /** Undefined when the file is refused. */
  readonly hosts: number | undefined;
  /** What the pins were compared with: `bundle, serial 7`, `lock, serial 7` or why neither. */
  readonly against: string;
  readonly problems: readonly Problem[];
  /** What to know of a bundle that passes: that nothing would tell it from an older one. */
  readonly warnings: readonly Problem[];
}

/**
 * Checks each by itself, and that no host is in two of them.
 * @param progress told while a bundle is read: bytes so far, bytes in all.
 */
export async function checkEnvironments(
  names: readonly string[],
  progress: (bytes: number, total: number) => void,
): Promise<readonly CheckedEnvironment[]> {
  const seen: Seen[] = [];
  const all: CheckedEnvironment[] = [];
  for (const name of names) {
    const { checked, site, composed } = await checkOne(name, progress);
    const twice = site === undefined ? [] : sharedHosts(name, site, composed, seen);
    all.push({ ...checked, problems: [...checked.problems, ...twice] });
  }
  return all;
}

interface One {
  readonly checked: CheckedEnvironment;
  readonly site?: Site;
  readonly composed?: Composed;
}

async function checkOne(environment: string, progress: (bytes: number, total: number) => void): Promise<One> {
  const none = {
    environment,
    file: stackFileOf(environment),
    hosts: undefined,
    against: "-",
    warnings: [],
  };
  let whole: readonly Problem[] = [];
  try {
    const { file, value, problems: ofFile } = readStackFile(environment);
    whole = ofFile;
    if (value === undefined) return { checked: { ...none, problems: [siteMissing(file)] } };
    const { site, composed, opened } = await environmentOf(value, file, (bundle) =>
      contentFor(bundle, progress),
    );
    const { content, against, problems, warnings = [] } = opened;
    const missing = site.hosts.flatMap((host) => {
      const files = content === undefined ? [] : hostFiles(host, content, file);
      return "archive" in files ? [] : files;
    });
    const checked = { environment, file, hosts: site.hosts.length, against, warnings };
    return { checked: { ...checked, problems: [...whole, ...problems, ...missing] }, site, composed };
  } catch (error) {
    if (error instanceof SealiftError)
      return { checked: { ...none, problems: [...whole, ...error.problems] } };
    throw error;
  }
}

interface Content extends Opened {
  readonly content?: Lookup;
  readonly against: string;
  readonly problems: readonly Problem[];
  readonly warnings?: readonly Problem[];
}

/** The bundle when it is here, with its signature; else the lock that it will be built from. */
async function contentFor(
  { directory, lock, ...policy }: Site["bundle"],
  progress: (bytes: number, total: number) => void,
): Promise<Content> {
  try {
    if (existsSync(join(directory, inside.seal))) {
      const options = { ...policy, progress, ...(lock === undefined ? {} : { lockFile: lock }) };
      const bundle = await verifyBundle(directory, options);
      const { serial, warnings } = bundle;
      const against = `bundle, serial ${serial}`;
      return { content: bundle, lock: bundle.lock, against, problems: [], warnings };
    }
    const nothing = "nothing: no bundle here and no lock named";
    if (lock === undefined) return { lock: undefined, against: nothing, problems: [] };
    const pins = await readLock(lock);
    const against = `lock, serial ${pins.serial}; no bundle here`;
    return { content: lookupIn(pins), lock: pins, against, problems: [] };
  } catch (error) {
    if (error instanceof SealiftError) return { lock: undefined, against: "-", problems: error.problems };
    throw error;
  }
}

interface Seen {
  readonly environment: string;
  readonly name: string;
  readonly address: string;
  readonly hostKey: string;
}

/** One machine in two environments would get two masters. */
function sharedHosts(
  environment: string,
  { hosts }: Site,
  composed: Composed | undefined,
  seen: Seen[],
): Problem[] {
  return hosts.flatMap((host, index) => {
    const { name, hostKey } = host;
    const own = { environment, name, address: doorway(host), hostKey };
    const other = seen.find((one) => one.address === own.address || one.hostKey === own.hostKey);
    seen.push(own);
    if (other === undefined || other.environment === environment) return [];
    const key = other.address === own.address ? "address" : "hostKey";
    return [
      {
        where: composed?.origins.locate(["hosts", index, key]) ?? environment,
        code: "E_DUPLICATE",
        subject: `hosts[${index}].${key}`,
        got: key === "address" ? own.address : hostKey,
        expected: `a machine that is in no other environment; ${other.name} of ${other.environment} has the same`,
        todo: "remove it from one of the two",
      },
    ];
  });
}

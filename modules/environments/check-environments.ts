/** Checks environments without contacting any host. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type LockIndex, lockIndex } from "../../offline-bundle/spec/lock-index.ts";
import { inside } from "../../offline-bundle/oci/layout.ts";
import { readLock } from "../../offline-bundle/spec/lock-file.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { SealiftError, type Problem } from "../core/errors.ts";
import type { Composed } from "../core/site/layers/compose.ts";
import { endpointKey } from "../core/site/rules/hosts.ts";
import type { Site } from "../core/site/site-spec.ts";
import { stackFileOf } from "../core/site/site-text.ts";
import { hostFiles } from "../engine/from-bundle.ts";
import { readSecrets } from "../secrets/secret-files.ts";
import { environmentOf, type EnvironmentBundle } from "./read-environment.ts";
import { readStackFile, siteMissing } from "./stack-file.ts";

export interface CheckedEnvironment {
  readonly environment: string;
  readonly file: string;
  /** Undefined when the file is refused. */
  readonly hosts: number | undefined;
  /** What the pins were compared with: `bundle, serial 7`, `lock, serial 7` or why neither. */
  readonly against: string;
  readonly problems: readonly Problem[];
  /** Warnings about a bundle that passes: without a list of accepted bundles, an older one would pass as well. */
  readonly warnings: readonly Problem[];
}

/**
 * Checks each environment by itself, and that no host is in two of them.
 *
 * @param progress called while a bundle is read: bytes so far, bytes in total.
 */
export async function checkEnvironments(
  names: readonly string[],
  progress: (bytes: number, total: number) => void,
): Promise<readonly CheckedEnvironment[]> {
  const sites: CheckedSite[] = [];
  const all: CheckedEnvironment[] = [];
  for (const name of names) {
    const { checked, site, composed } = await checkOne(name, progress);
    const twice = site === undefined ? [] : sharedHosts(name, site, composed, sites);
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
  let fileProblems: readonly Problem[] = [];
  try {
    const { file, value, problems: ofFile } = readStackFile(environment);
    fileProblems = ofFile;
    if (value === undefined) return { checked: { ...none, problems: [siteMissing(file)] } };
    const { site, composed, opened } = await environmentOf(value, file, (bundle) =>
      contentFor(bundle, progress),
    );
    const { content, against, problems, warnings = [] } = opened;
    const missing = site.hosts.flatMap((host) => {
      const files = content === undefined ? [] : hostFiles(host, content, file);
      return "archive" in files ? [] : files;
    });
    const secrets = readSecrets(site.hosts, file, composed).problems;
    const checked = { environment, file, hosts: site.hosts.length, against, warnings };
    return {
      checked: { ...checked, problems: [...fileProblems, ...problems, ...missing, ...secrets] },
      site,
      composed,
    };
  } catch (error) {
    if (error instanceof SealiftError)
      return { checked: { ...none, problems: [...fileProblems, ...error.problems] } };
    throw error;
  }
}

interface Content extends EnvironmentBundle {
  readonly content?: LockIndex;
  readonly against: string;
  readonly problems: readonly Problem[];
  readonly warnings?: readonly Problem[];
}

/** The signed bundle if it is present; otherwise the lock from which it will be built. */
async function contentFor(
  { directory, lock, ...policy }: Site["bundle"],
  progress: (bytes: number, total: number) => void,
): Promise<Content> {
  try {
    if (existsSync(join(directory, inside.manifest))) {
      const options = { ...policy, progress, ...(lock === undefined ? {} : { lockFile: lock }) };
      const bundle = await verifyBundle(directory, options);
      const { serial, warnings } = bundle;
      const against = `bundle, serial ${serial}`;
      return { content: bundle, lock: bundle.lock, against, problems: [], warnings };
    }
    const nothing = "nothing: no bundle is present and no lock is configured";
    if (lock === undefined) return { lock: undefined, against: nothing, problems: [] };
    const pins = await readLock(lock);
    const against = `lock, serial ${pins.serial}; no bundle is present`;
    return { content: lockIndex(pins), lock: pins, against, problems: [] };
  } catch (error) {
    if (error instanceof SealiftError) return { lock: undefined, against: "-", problems: error.problems };
    throw error;
  }
}

interface CheckedSite {
  readonly environment: string;
  readonly name: string;
  readonly address: string;
  readonly hostKey: string;
}

/** A machine in two environments would be changed by both in turn. */
function sharedHosts(
  environment: string,
  { hosts }: Site,
  composed: Composed | undefined,
  sites: CheckedSite[],
): Problem[] {
  return hosts.flatMap((host, index) => {
    const { name, hostKey } = host;
    const own = { environment, name, address: endpointKey(host), hostKey };
    const other = sites.find((one) => one.address === own.address || one.hostKey === own.hostKey);
    sites.push(own);
    if (other === undefined || other.environment === environment) return [];
    const key = other.address === own.address ? "address" : "hostKey";
    return [
      {
        where: composed?.origins.locate(["hosts", index, key]) ?? environment,
        code: "E_DUPLICATE",
        subject: `hosts[${index}].${key}`,
        found: key === "address" ? own.address : hostKey,
        expected: `a machine that is in no other environment; it is also ${other.name} of ${other.environment}`,
        fix: "remove the host from one of the two environments",
      },
    ];
  });
}

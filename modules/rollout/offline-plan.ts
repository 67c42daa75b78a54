/** The plans of environments without contacting any host: pure code of this version, a site file and a lock. */
import { lockIndex } from "../../offline-bundle/spec/lock-index.ts";
import { SealiftError, type Problem } from "../core/errors.ts";
import type { Library } from "../core/host/library.ts";
import type { Effect, Step } from "../core/host/step.ts";
import { quote } from "../core/quote.ts";
import { composeSite } from "../core/site/site.ts";
import { usedKeys, type SiteKeys } from "../core/site/site-keys.ts";
import { hostFiles } from "../engine/from-bundle.ts";
import { environmentOf, lockOf } from "../environments/read-environment.ts";
import { readStackFile, siteMissing } from "../environments/stack-file.ts";
import { readSecrets } from "../secrets/secret-files.ts";
import { phasesOf, type SiteContext } from "./phases.ts";

export interface OfflineEnvironment {
  readonly environment: string;
  /** Why there is no plan; empty when there is one. */
  readonly problems: readonly Problem[];
  /** The keys that the site sets, by their paths in the schema. */
  readonly keys: readonly string[];
  readonly hosts: readonly OfflineHost[];
}

export interface OfflineHost {
  readonly name: string;
  /** Of all phases, in the order of work. */
  readonly steps: readonly OfflineStep[];
}

export interface OfflineStep {
  /** `<phase>.<thing>`. */
  readonly code: string;
  readonly fact: string;
  readonly effect: Effect;
  /** The shell function and its quoted arguments; arguments of a step with a secret are omitted. */
  readonly call: string;
}

/**
 * What hosts and registries report is unknown here: no CA of the site's own registry, and no content of the bundle itself. The clock is
 * zero, so that two plans of one site are equal.
 *
 * @param environment as in stacks/<environment>.site.yaml.
 * @param known the keys of the schema.
 */
export async function offlinePlan(
  environment: string,
  known: SiteKeys,
  library: Library,
): Promise<OfflineEnvironment> {
  const problems: Problem[] = [];
  let keys: readonly string[] = [];
  try {
    const { file, value, problems: whole } = readStackFile(environment);
    problems.push(...whole);
    if (value === undefined) throw new SealiftError([siteMissing(file)]);
    keys = usedKeys(composeSite(value, file).value, known);
    const { site, opened, composed } = await environmentOf(value, file, async (bundle) => ({
      lock: await lockOf(bundle),
    }));
    const index = lockIndex(opened.lock);
    const context: SiteContext = {
      library,
      clock: 0,
      content: { manifests: [], blobs: [] },
      bundle: { serial: opened.lock.serial },
      mirrors: site.hosts.some(({ registry }) => registry?.follows === "mirror"),
      caBundles: undefined,
    };
    const secrets = readSecrets(site.hosts, file, composed);
    problems.push(...secrets.problems);
    const hosts = site.hosts.flatMap((host) => {
      const files = hostFiles(host, index, file);
      if (!("archive" in files)) {
        problems.push(...files);
        return [];
      }
      const phases = Object.values(phasesOf(host, secrets.withSecrets(files, host), context));
      return [{ name: host.name, steps: phases.flatMap(({ steps }) => steps.map(plannedStep)) }];
    });
    return { environment, problems, keys, hosts };
  } catch (error) {
    if (!(error instanceof SealiftError)) throw error;
    return { environment, problems: [...problems, ...error.problems], keys, hosts: [] };
  }
}

function plannedStep({ code, fact, effect, call: [name, ...args], secret }: Step): OfflineStep {
  const words = secret === true ? [name, "a secret"] : [name, ...args];
  return { code, fact, effect, call: words.map(quote).join(" ") };
}

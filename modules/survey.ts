/** One look at everything a site needs, and every refusal, before anything is changed anywhere. */
import { keptSpares, type Delivery } from "./core/delivery.ts";
import { refuse, type Problem } from "./core/errors.ts";
import type { Library } from "./core/library.ts";
import { operatorProblems } from "./core/operator.ts";
import type { Probe } from "./core/probe.ts";
import type { Authority } from "./core/registry.ts";
import type { HostFiles } from "./core/blob.ts";
import type { RolloutSpec } from "./core/rollout.ts";
import type { HostSpec, ReceiptSpec } from "./core/site-spec.ts";
import type { BundleAge } from "./core/step.ts";
import { lookAtSite, readInputs, type HostLook } from "./look.ts";
import { deliveriesOf, seedsOf, sparesOf, type HostPhases } from "./phases.ts";
import type { RegistryContent } from "./registry/content.ts";
import { refusedOf, warnedOf } from "./told.ts";

export interface SurveyedHost {
  readonly spec: HostSpec;
  /** The engine of the bundle that this host runs, and its plugins. */
  readonly files: HostFiles;
  /** What has to be on it before its first phase. */
  readonly deliveries: readonly Delivery[];
  /** What it keeps of other versions. */
  readonly spares: readonly Delivery[];
  /** What its registry is sent once it runs; nothing on a host that runs none. */
  readonly seeds: readonly Delivery[];
  readonly phases: HostPhases;
  readonly probe: Probe;
  /** What to tell of a host that may be changed all the same. */
  readonly warnings: readonly Problem[];
}

export interface Survey {
  readonly bundle: BundleAge;
  readonly library: Library;
  /** sha256 of the lock that the bundle was built from, and who signed it. */
  readonly lockSha256: string;
  readonly signers: readonly string[];
  readonly rollout: RolloutSpec;
  readonly receipt: ReceiptSpec | undefined;
  /** The CAs of the registry; undefined while they are not known. */
  readonly authorities: readonly Authority[] | undefined;
  readonly hosts: readonly SurveyedHost[];
  /** What to know of the bundle although it passes. */
  readonly warnings: readonly Problem[];
}

/**
 * Operator's machine, site file, bundle and all hosts, in this order: each needs the one before.
 * @param value the site as it is written.
 * @param file the file that the site is written in, for line and column.
 * @throws {SealiftError} with every problem of the first of them that has any.
 */
export async function survey(value: unknown, file: string): Promise<Survey> {
  refuse(operatorProblems(process.env));
  const inputs = await readInputs(value, file);
  const { bundle = { serial: 0 }, content, problems } = inputs;
  refuse(problems);
  const { hosts: looks, authorities, problems: untrusted } = await lookAtSite(inputs);
  refuse([...untrusted, ...looks.flatMap(({ spec, probe }) => refusedOf(spec, probe))]);
  return { ...inputs, bundle, authorities, hosts: looks.flatMap((look) => surveyed(look, content)) };
}

/** No problem with the bundle means that every host is planned. */
function surveyed({ spec, planned, probe }: HostLook, content: RegistryContent): SurveyedHost[] {
  if (planned === undefined) return [];
  const { files, phases } = planned;
  const sent = {
    deliveries: deliveriesOf(spec, files),
    spares: keptSpares(sparesOf(spec, files), probe),
    seeds: seedsOf(spec, content),
  };
  return [{ spec, files, phases, ...sent, probe, warnings: warnedOf(spec, probe) }];
}

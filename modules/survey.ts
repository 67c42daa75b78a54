/** One look at everything a site needs, and every refusal, before anything is changed anywhere. */
import type { HostFiles } from "./core/blob.ts";
import { refuse, type Problem } from "./core/errors.ts";
import type { Library } from "./core/library.ts";
import { operatorProblems } from "./core/operator.ts";
import type { Probe } from "./core/probe.ts";
import type { HostSpec, ReceiptSpec, RolloutSpec } from "./core/site.ts";
import { inParallel } from "../offline-bundle/parallel.ts";
import { lookAt, looksAtOnce, readInputs, type HostLook } from "./look.ts";
import type { HostPhases } from "./phases.ts";
import { refusedOf, warnedOf } from "./told.ts";

export interface SurveyedHost {
  readonly spec: HostSpec;
  /** The engine of the bundle that this host runs, and its plugins. */
  readonly files: HostFiles;
  readonly phases: HostPhases;
  readonly probe: Probe;
  /** What to tell of a host that may be changed all the same. */
  readonly warnings: readonly Problem[];
}

export interface Survey {
  /** Serial of the bundle. */
  readonly serial: number;
  readonly library: Library;
  /** sha256 of the lock that the bundle was built from, and who signed it. */
  readonly lockSha256: string;
  readonly signer: string;
  readonly rollout: RolloutSpec;
  readonly receipt: ReceiptSpec | undefined;
  readonly hosts: readonly SurveyedHost[];
}

/**
 * Operator's machine, site file, bundle and all hosts, in this order: each needs the one before.
 * @param value the value of `sealift:site`.
 * @param file the stack file, for line and column.
 * @throws {SealiftError} with every problem of the first of them that has any.
 */
export async function survey(value: unknown, file: string): Promise<Survey> {
  refuse(operatorProblems(process.env));
  const inputs = await readInputs(value, file);
  const { serial = 0, library, hosts } = inputs;
  refuse(inputs.problems);
  const { values: looks } = await inParallel(hosts, looksAtOnce, (host) => lookAt(host, library));
  refuse(looks.flatMap(({ spec, probe }) => refusedOf(spec, probe)));
  return { ...inputs, serial, hosts: looks.flatMap(surveyed) };
}

/** No problem with the bundle means that every host is planned. */
function surveyed({ spec, planned, probe }: HostLook): SurveyedHost[] {
  if (planned === undefined) return [];
  return [{ spec, ...planned, probe, warnings: warnedOf(spec, probe) }];
}

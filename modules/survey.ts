/** One look at everything a site needs, and every refusal, before anything is changed anywhere. */
import type { HostFiles } from "./core/blob.ts";
import { refuse, type Problem } from "./core/errors.ts";
import type { Library } from "./core/library.ts";
import { operatorProblems } from "./core/operator.ts";
import type { Probe } from "./core/probe.ts";
import type { HostSpec } from "./core/site.ts";
import { lookAt, readInputs, type HostLook } from "./look.ts";
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
  readonly hosts: readonly SurveyedHost[];
}

export interface SurveyOptions {
  /** The stack file, for line and column. */
  readonly file: string;
  /** A host that does not answer is told in a preview, and refused before a change. */
  readonly unreachable: "tell" | "refuse";
}

/**
 * Operator's machine, site file, bundle and all hosts, in this order: each needs the one before.
 * @param value the value of `sealift:site`.
 * @throws {SealiftError} with every problem of the first of them that has any.
 */
export async function survey(value: unknown, { file, unreachable }: SurveyOptions): Promise<Survey> {
  refuse(operatorProblems(process.env));
  const { serial = 0, library, hosts, problems } = await readInputs(value, file);
  refuse(problems);
  const looks = await Promise.all(hosts.map((host) => lookAt(host, library)));
  refuse([
    ...looks.flatMap(({ spec, probe }) => refusedOf(spec, probe)),
    ...(unreachable === "refuse" ? looks.flatMap(silence) : []),
  ]);
  return { serial, library, hosts: looks.flatMap(surveyed) };
}

/** No problem with the bundle means that every host is planned. */
function surveyed({ spec, planned, probe }: HostLook): SurveyedHost[] {
  if (planned === undefined) return [];
  return [{ spec, ...planned, probe, warnings: warnedOf(spec, probe) }];
}

function silence({ probe }: HostLook): Problem[] {
  return probe.kind === "unreachable" ? [probe.problem] : [];
}

/** One look at everything a site needs, and every refusal, before anything is changed anywhere. */
import type { Delivery } from "./core/delivery.ts";
import { refuse, type Problem } from "./core/errors.ts";
import type { Library } from "./core/library.ts";
import { operatorProblems } from "./core/operator.ts";
import type { Probe } from "./core/probe.ts";
import type { HostSpec } from "./core/site.ts";
import { lookAtSite, readInputs, type HostLook } from "./look.ts";
import { deliveriesOf, seedsOf, type HostPhases } from "./phases.ts";
import type { RegistryContent } from "./registry/content.ts";
import { refusedOf, warnedOf } from "./told.ts";

export interface SurveyedHost {
  readonly spec: HostSpec;
  /** What has to be on it before its first phase. */
  readonly deliveries: readonly Delivery[];
  /** What its registry is sent once it runs; nothing on a host that runs none. */
  readonly seeds: readonly Delivery[];
  readonly phases: HostPhases;
  readonly probe: Probe;
  /** What to tell of a host that may be changed all the same. */
  readonly warnings: readonly Problem[];
}

export interface Survey {
  /** Serial of the bundle. */
  readonly serial: number;
  readonly library: Library;
  /** The CAs of the registry as base64 of DER; undefined while they are not known. */
  readonly authorities: readonly string[] | undefined;
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
  const inputs = await readInputs(value, file);
  const { serial = 0, library, content, problems } = inputs;
  refuse(problems);
  const { hosts: looks, authorities } = await lookAtSite(inputs);
  refuse([
    ...looks.flatMap(({ spec, probe }) => refusedOf(spec, probe)),
    ...(unreachable === "refuse" ? looks.flatMap(silence) : []),
  ]);
  return { serial, library, authorities, hosts: looks.flatMap((look) => surveyed(look, content)) };
}

/** No problem with the bundle means that every host is planned. */
function surveyed({ spec, planned, probe }: HostLook, content: RegistryContent): SurveyedHost[] {
  if (planned === undefined) return [];
  const { files, phases } = planned;
  const sent = { deliveries: deliveriesOf(spec, files), seeds: seedsOf(spec, content) };
  return [{ spec, phases, ...sent, probe, warnings: warnedOf(spec, probe) }];
}

function silence({ probe }: HostLook): Problem[] {
  return probe.kind === "unreachable" ? [probe.problem] : [];
}

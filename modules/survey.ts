/** One look at everything a site needs, and every refusal, before anything is changed anywhere. */
import { verifyBundle } from "../offline-bundle/verify.ts";
import type { HostFiles } from "./core/blob.ts";
import { refuse, SealiftError, type Problem } from "./core/errors.ts";
import { readLibrary, type Library } from "./core/library.ts";
import { operatorProblems } from "./core/operator.ts";
import { probe, type Probe } from "./core/probe.ts";
import { refusals } from "./core/refusal.ts";
import { readSite, type HostSpec } from "./core/site.ts";
import { phasesOf, type HostPhases } from "./phases.ts";
import { hostFiles } from "./engine/from-bundle.ts";
import { preflightProblems } from "./preflight/index.ts";

export interface SurveyedHost {
  readonly spec: HostSpec;
  /** The engine of the bundle that this host runs, and its plugins. */
  readonly files: HostFiles;
  readonly phases: HostPhases;
  readonly probe: Probe;
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
  if (value === undefined) throw new SealiftError([siteMissing(file)]);
  const site = readSite(value, file);
  const { directory, allowedSigners, lock } = site.bundle;
  const bundle = await verifyBundle(directory, {
    allowedSigners,
    ...(lock === undefined ? {} : { lockFile: lock }),
  });
  const library = readLibrary();

  const found = site.hosts.map((spec) => ({ spec, files: hostFiles(spec, bundle, file) }));
  refuse(found.flatMap(({ files }) => ("archive" in files ? [] : files)));

  const hosts = await Promise.all(
    found.map(async ({ spec, files }): Promise<SurveyedHost> => {
      if (!("archive" in files)) throw new SealiftError(files);
      const phases = phasesOf(spec, files, library);
      const deep = process.env["SEALIFT_DEEP"] === "1";
      return { spec, files, phases, probe: await probe(spec, Object.values(phases), library, deep) };
    }),
  );
  refuse([
    ...hosts.flatMap(({ spec, probe }) => preflightProblems(spec, probe)),
    ...hosts.flatMap(({ spec, probe }) => refusals(spec.name, probe)),
    ...(unreachable === "refuse" ? hosts.flatMap(silence) : []),
  ]);
  return { serial: bundle.serial, library, hosts };
}

function silence({ probe }: SurveyedHost): Problem[] {
  return probe.kind === "unreachable" ? [probe.problem] : [];
}

function siteMissing(file: string): Problem {
  return {
    where: file,
    code: "E_SITE_MISSING",
    subject: "sealift:site",
    got: "nothing",
    expected: "a site below config",
    todo: "copy what stands in stacks/Pulumi.example.yaml and make it yours",
  };
}

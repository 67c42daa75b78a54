/** One look at everything a site needs, and every refusal, before anything is changed anywhere. */
import { verifyBundle } from "../offline-bundle/verify.ts";
import type { Archive } from "./core/blob.ts";
import { refuse, SealiftError, type Problem } from "./core/errors.ts";
import { readLibrary, type Library } from "./core/library.ts";
import { operatorProblems } from "./core/operator.ts";
import { probe, type Probe } from "./core/probe.ts";
import { refusals } from "./core/refusal.ts";
import { readSite, type HostSpec } from "./core/site.ts";
import { phasesOf, type HostPhases } from "./phases.ts";
import { preflightProblems } from "./preflight/index.ts";

export interface SurveyedHost {
  readonly spec: HostSpec;
  /** The engine of the bundle that this host runs. */
  readonly archive: Archive;
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

  const engines = site.hosts.map((spec) => ({
    spec,
    archive: bundle.engine(spec.engine.version, spec.architecture),
  }));
  const held = bundle.engines().map(({ version, platform }) => `${version} (${platform})`);
  refuse(
    engines.filter(({ archive }) => archive === undefined).map(({ spec }) => engineMissing(spec, file, held)),
  );

  const hosts = await Promise.all(
    engines.map(async ({ spec, archive }): Promise<SurveyedHost> => {
      const phases = phasesOf(spec, archive as Archive, library, Math.floor(Date.now() / 1000));
      return {
        spec,
        archive: archive as Archive,
        phases,
        probe: await probe(spec, Object.values(phases), library),
      };
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

function engineMissing(
  { name, engine, architecture }: HostSpec,
  file: string,
  held: readonly string[],
): Problem {
  return {
    where: file,
    code: "E_ENGINE_NOT_IN_BUNDLE",
    subject: `${name} engine.version`,
    got: `${engine.version} for linux/${architecture}`,
    expected: `an engine of the bundle: ${held.join(", ") || "it holds none"}`,
    todo: "name one of these, or carry in a bundle that holds it",
  };
}

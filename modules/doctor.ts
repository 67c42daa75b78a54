/** Everything that can be seen of an environment, without Pulumi, without refusing and without changing anything. */
import { operatorProblems } from "./core/operator.ts";
import { diagnoseHost, type Diagnosis } from "./diagnosis.ts";
import { lookAtSite, readInputs } from "./look.ts";
import { readStackFile } from "./stack-file.ts";

export interface DoctorOptions {
  /** Checks believe nothing that an earlier look has noted: every installed byte is hashed again. */
  readonly deep: boolean;
  /** Told what is being done, with the part that is done. */
  readonly report: (text: string, fraction?: number) => void;
}

/**
 * @param environment as in stacks/<environment>.site.yaml.
 * @throws {SealiftError} with every problem of the site file: without it there is no host to look at.
 */
export async function diagnose(environment: string, { deep, report }: DoctorOptions): Promise<Diagnosis> {
  const operator = operatorProblems(process.env);
  const { file, value, unread, problems: whole } = readStackFile(environment);
  const inputs = await readInputs(value, file, (bytes, total) => {
    report("reading the bundle", bytes / total);
  });
  let done = 0;
  const seen = (): void => {
    done += 1;
    report(`looking at ${inputs.hosts.length} hosts, ${done} done`, done / inputs.hosts.length);
  };
  const looks = await lookAtSite(inputs, { deep, secretsClosed: true, seen });
  const hosts = looks.hosts.map(diagnoseHost);
  const problems = [...operator, ...whole, ...inputs.problems, ...looks.problems];
  const fails = hosts.some(({ findings }) => findings.some(({ verdict }) => verdict === "fail"));
  return {
    ok: problems.length === 0 && !fails,
    environment,
    serial: inputs.bundle?.serial ?? null,
    problems,
    warnings: inputs.warnings,
    unread,
    hosts,
  };
}

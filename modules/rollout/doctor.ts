/** Diagnoses an environment without Pulumi; refuses nothing and changes nothing. */
import { operatorProblems } from "../core/operator.ts";
import { backedUpApps, diagnoseHost, type Diagnosis } from "./diagnosis.ts";
import { probeSite, loadSite } from "./probe-site.ts";
import { readStackFile } from "../environments/stack-file.ts";

export interface DoctorOptions {
  /** Ignore recorded hashes: every installed byte is hashed again. */
  readonly deep: boolean;
  /** Called with the current activity and its progress. */
  readonly report: (text: string, fraction?: number) => void;
}

/**
 * @param environment as in stacks/<environment>.site.yaml.
 * @throws {SealiftError} with every problem of the site file: without it no host is known.
 */
export async function diagnose(environment: string, { deep, report }: DoctorOptions): Promise<Diagnosis> {
  const operator = operatorProblems(process.env);
  const { file, value, unread, problems: fileProblems } = readStackFile(environment);
  const inputs = await loadSite(value, file, (bytes, total) => {
    report("reading the bundle", bytes / total);
  });
  let done = 0;
  const onProbed = (): void => {
    done += 1;
    report(`probing ${inputs.hosts.length} hosts, ${done} done`, done / inputs.hosts.length);
  };
  const probed = await probeSite(inputs, { deep, secretsClosed: true, onProbed });
  const hosts = probed.hosts.map(diagnoseHost);
  const problems = [...operator, ...fileProblems, ...inputs.problems, ...probed.problems];
  const fails = hosts.some(({ findings }) => findings.some(({ verdict }) => verdict === "fail"));
  return {
    ok: problems.length === 0 && !fails,
    environment,
    serial: inputs.bundle?.serial ?? null,
    problems,
    warnings: [...inputs.warnings, ...probed.warnings],
    unread,
    hosts,
    backedUp: backedUpApps(probed.hosts),
  };
}

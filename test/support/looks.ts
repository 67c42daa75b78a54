/** Looks at hosts that are not there: each fact as a test wants it. */
import type { Probe } from "../../modules/core/probe.ts";
import type { StepReport } from "../../modules/core/report.ts";
import { diagnoseHost, type Diagnosis, type HostDiagnosis } from "../../modules/diagnosis.ts";
import type { Phase } from "../../modules/core/step.ts";
import { exampleHost, examplePhases } from "./example-host.ts";

/** The real checks, and two phases of few facts, so that their number is a test's own. */
const phases: readonly Phase[] = [
  examplePhases().preflight,
  phaseOf("users", { "users.group": "group docker exists", "users.deploy": "user deploy has uid 1500" }),
  phaseOf("volumes", { "volumes.data": "volume vg0/data is 200 GiB" }),
];

function phaseOf(name: string, facts: Readonly<Record<string, string>>): Phase {
  const steps = Object.entries(facts).map(
    ([code, fact]) => ({ code, fact, effect: "none", call: ["none"] }) as const,
  );
  return { name, steps };
}

/** What differs from a host that is right: by code, the status and what was found. */
export type Differing = Readonly<Record<string, readonly [status: StepReport["status"], found: string]>>;

export function reachedHost(name: string, differing: Differing = {}): HostDiagnosis {
  const steps = phases.flatMap((phase) =>
    phase.steps.map(({ code, fact }): StepReport => {
      const [status, found] = differing[code] ?? (["ok", ""] as const);
      return { status, code, fact, found };
    }),
  );
  const mark = { machine: "62ff67b1", journalLines: 26 };
  return diagnosed(name, { kind: "reached", report: { steps, mark } });
}

export function unreachableHost(name: string): HostDiagnosis {
  const problem = {
    where: name,
    code: "E_HOST_UNREACHABLE",
    subject: "ops@10.20.0.11:22",
    got: '"ssh: connect to host 10.20.0.11 port 22: Connection refused"',
    expected: "an answer from sshd",
    todo: "see that the host runs and that its sshd can be reached from here",
  } as const;
  return diagnosed(name, { kind: "unreachable", problem });
}

export function diagnosisOf(hosts: readonly HostDiagnosis[], more: Partial<Diagnosis> = {}): Diagnosis {
  const ok = hosts.every(({ findings }) => findings.every(({ verdict }) => verdict === "warn"));
  return { ok, environment: "prod", serial: 7, problems: [], warnings: [], unread: [], hosts, ...more };
}

function diagnosed(name: string, probe: Probe): HostDiagnosis {
  return diagnoseHost({ spec: { ...exampleHost(), name }, phases, probe });
}

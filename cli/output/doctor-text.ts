/** Text output of doctor: a table of hosts and checks, every finding with its fix, and a summary line. */
import type { Diagnosis, HostDiagnosis } from "../../modules/rollout/diagnosis.ts";
import { count } from "./columns.ts";
import { dataTable } from "./data-table.ts";
import { doctorTable } from "./doctor-table.ts";
import { findingsText, problemText } from "./findings-text.ts";
import type { TextOptions } from "./paint.ts";

export function doctorText(diagnosis: Diagnosis, options: TextOptions): string {
  const { environment, serial, hosts, problems, warnings, unread, backedUp } = diagnosis;
  const bundle = serial === null ? "no usable bundle" : `bundle serial ${serial}`;
  const parts = [
    `${environment}: ${bundle}, ${count(hosts.length, "host")}`,
    ...problems.map((problem) => problemText(problem, options)),
    doctorTable(hosts, options),
    ...dataTable(backedUp, options),
    ...findingsText(hosts, options),
    ...warnings.map((problem) => problemText(problem, options, "warn")),
    ...(unread.length === 0
      ? []
      : [`Not checked, because doctor does not decrypt secrets: ${unread.join(", ")}`]),
    summary(diagnosis),
  ];
  return parts.join("\n\n");
}

function summary({ environment, hosts, problems, warnings }: Diagnosis): string {
  const of = (verdict: "fail" | "warn"): number =>
    hosts.reduce((sum, { findings }) => sum + findings.filter((one) => one.verdict === verdict).length, 0);
  const fails = of("fail") + problems.length;
  const warns = of("warn") + warnings.length;
  const differ = hosts.reduce((sum, host) => sum + differing(host), 0);
  const words = [
    ...(fails === 0 ? [] : [`${count(fails, "error")} (pulumi up would refuse to run)`]),
    ...(warns === 0 ? [] : [count(warns, "warning")]),
    ...(differ === 0
      ? []
      : [`${count(differ, "change")} pending, listed by pulumi preview --stack ${environment}`]),
  ];
  return words.length === 0 ? "No problems found." : `${words.join("; ")}.`;
}

function differing({ phases }: HostDiagnosis): number {
  return phases.reduce((sum, { differ }) => sum + differ.length, 0);
}

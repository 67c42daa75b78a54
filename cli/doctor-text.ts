/** What doctor prints for people: a table of hosts and checks, every finding with what to do, one line to sum it up. */
import type { Diagnosis, HostDiagnosis } from "../modules/diagnosis.ts";
import { count } from "./columns.ts";
import { doctorTable } from "./doctor-table.ts";
import { findingsText, problemText } from "./findings-text.ts";
import type { Paint } from "./paint.ts";

export interface TextOptions {
  /** Characters in a line. */
  readonly width: number;
  readonly paint: Paint;
}

export function doctorText(diagnosis: Diagnosis, options: TextOptions): string {
  const { environment, serial, hosts, problems, warnings, unread } = diagnosis;
  const bundle = serial === null ? "no bundle that counts" : `bundle serial ${serial}`;
  const parts = [
    `${environment}: ${bundle}, ${count(hosts.length, "host")}`,
    ...problems.map((problem) => problemText(problem, options)),
    doctorTable(hosts, options),
    ...findingsText(hosts, options),
    ...warnings.map((problem) => problemText(problem, options, "warn")),
    ...(unread.length === 0
      ? []
      : [`Secrets stay closed, what they set was not looked at: ${unread.join(", ")}`]),
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
    ...(fails === 0 ? [] : [`${count(fails, "failure")}: pulumi up would refuse`]),
    ...(warns === 0 ? [] : [count(warns, "warning")]),
    ...(differ === 0
      ? []
      : [`${count(differ, "fact")} to be made true: pulumi preview --stack ${environment} lists them`]),
  ];
  return words.length === 0 ? "All is well." : `${words.join("; ")}.`;
}

function differing({ phases }: HostDiagnosis): number {
  return phases.reduce((sum, { differ }) => sum + differ.length, 0);
}

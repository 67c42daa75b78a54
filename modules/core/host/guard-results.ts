/** Refusals and warnings of the guards and checks on a host. Pure. */
import { errorCodes, type Problem } from "../errors.ts";
import type { Probe } from "./probe.ts";

/** Refusals of one host, at most one for each step. */
export function guardRefusals(host: string, probe: Probe): readonly Problem[] {
  return reported(host, probe, "refused");
}

/** Warnings of one host, at most one for each step. A warning changes nothing on the host. */
export function guardWarnings(host: string, probe: Probe): readonly Problem[] {
  return reported(host, probe, "warn");
}

function reported(host: string, probe: Probe, kind: "refused" | "warn"): readonly Problem[] {
  if (probe.kind !== "reached") return [];
  return probe.report.steps
    .filter(({ status, code }) => status === kind && !code.startsWith("preflight."))
    .map(({ code, fact, found }) => ({ where: host, subject: code, expected: fact, ...parse(found) }));
}

function parse(found: string): Pick<Problem, "code" | "found" | "fix"> {
  return parseGuardResult(found) ?? { code: "E_REFUSED", found, fix: "inspect the host manually" };
}

/** `CODE finding; fix: remedy`, as refuse and warn of run.sh print it; undefined for other text. */
export function parseGuardResult(found: string): Pick<Problem, "code" | "found" | "fix"> | undefined {
  const [start = "", word] = /^(E_[A-Z0-9_]+) /.exec(found) ?? [];
  const end = found.lastIndexOf("; fix: ");
  if (word === undefined || end < start.length) return undefined;
  const code = errorCodes.find((one) => one === word) ?? "E_REFUSED";
  return { code, found: found.slice(start.length, end), fix: found.slice(end + 7) };
}

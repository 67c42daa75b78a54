/** What guards and checks on a host say beyond right and wrong: what has to be refused, and what is to be known. Pure. */
import { errorCodes, type Problem } from "./errors.ts";
import type { Probe } from "./probe.ts";

/** The refusals of one host, one a step. */
export function refusals(host: string, probe: Probe): readonly Problem[] {
  return told(host, probe, "refused");
}

/** What people are to know of a host, and what is no difference: it is left as it is. One a step. */
export function warnings(host: string, probe: Probe): readonly Problem[] {
  return told(host, probe, "warn");
}

function told(host: string, probe: Probe, wanted: "refused" | "warn"): readonly Problem[] {
  if (probe.kind !== "reached") return [];
  return probe.report.steps
    .filter(({ status, code }) => status === wanted && !code.startsWith("preflight."))
    .map(({ code, fact, found }) => ({ where: host, subject: code, expected: fact, ...parse(found) }));
}

function parse(found: string): Pick<Problem, "code" | "got" | "todo"> {
  return saidBy(found) ?? { code: "E_REFUSED", got: found, todo: "look at the host by hand" };
}

/** `CODE finding; what to do`, as refuse_because and warn_that of run.sh write it; undefined for other words. */
export function saidBy(found: string): Pick<Problem, "code" | "got" | "todo"> | undefined {
  const [start = "", word] = /^(E_[A-Z0-9_]+) /.exec(found) ?? [];
  const end = found.lastIndexOf("; ");
  if (word === undefined || end < start.length) return undefined;
  const code = errorCodes.find((one) => one === word) ?? "E_REFUSED";
  return { code, got: found.slice(start.length, end), todo: found.slice(end + 2) };
}

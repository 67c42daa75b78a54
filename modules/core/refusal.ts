/** What the guards on a host say: a step that would have to be refused, before anything is changed anywhere. Pure. */
import { errorCodes, type Problem } from "./errors.ts";
import type { Probe } from "./probe.ts";

/** The refusals of one host, one a step. */
export function refusals(host: string, probe: Probe): readonly Problem[] {
  if (probe.kind !== "reached") return [];
  return probe.report.steps
    .filter(({ status }) => status === "refused")
    .map(({ code, fact, found }) => ({ where: host, subject: code, expected: fact, ...parse(found) }));
}

/** `CODE finding; what to do`, as refuse_because of run.sh writes it. */
function parse(found: string): Pick<Problem, "code" | "got" | "todo"> {
  const [, word, got = found, todo = "look at the host by hand"] =
    /^(E_[A-Z0-9_]+) (.*); (.*)$/.exec(found) ?? [];
  return { code: errorCodes.find((one) => one === word) ?? "E_REFUSED", got, todo };
}

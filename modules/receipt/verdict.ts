/** The summary of a receipt's facts in words. Pure. */
import type { FactReceipt, FactState, HostReceipt, Receipt } from "./receipt.ts";

/** `Every fact holds` if all do and there is no warning; otherwise the number of facts by state, and of warnings about the run. */
export function verdictOf(receipt: Pick<Receipt, "hosts" | "warnings">): string {
  if (isGood(receipt)) return "Every fact holds";
  const { hosts, warnings } = receipt;
  const facts = factsIn(hosts.flatMap(({ statement }) => statement.facts));
  if (warnings.length === 0) return facts;
  return `${facts}; ${warnings.length} ${warnings.length === 1 ? "warning" : "warnings"} about the run`;
}

/** A fact with a warning does not hold, nor does one that was not checked; a run without hosts proves nothing. */
export function isGood({ hosts, warnings }: Pick<Receipt, "hosts" | "warnings">): boolean {
  const facts = hosts.flatMap(({ statement }) => statement.facts);
  return warnings.length === 0 && facts.length > 0 && facts.every(({ state }) => state === "holds");
}

/** How many of the files that the lock pins for a host are present, as the host reports: `8 of 8`, `none of 8`. */
export function filesIn({
  expectedFiles,
  statement,
}: Pick<HostReceipt, "expectedFiles" | "statement">): string {
  const present = expectedFiles.filter(({ path, sha256 }) =>
    statement.installed.some((one) => one.path === path && one.sha256 === sha256),
  ).length;
  return `${present === 0 ? "none" : present} of ${expectedFiles.length}`;
}

/** `41 hold, 1 with a warning, 2 do not hold`. */
export function factsIn(facts: readonly FactReceipt[]): string {
  const words: readonly [FactState, (count: number) => string][] = [
    ["holds", (count) => `${count} ${count === 1 ? "holds" : "hold"}`],
    ["warned", (count) => `${count} with a warning`],
    ["fails", (count) => `${count} ${count === 1 ? "does" : "do"} not hold`],
    ["unseen", (count) => `${count} not checked`],
  ];
  const described = words.flatMap(([state, describe]) => {
    const count = facts.filter((fact) => fact.state === state).length;
    return count === 0 ? [] : [describe(count)];
  });
  return described.join(", ") || "no facts";
}

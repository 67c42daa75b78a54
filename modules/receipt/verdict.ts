/** What the facts of a receipt come to, in words for people. Pure. */
import type { FactReceipt, FactState, HostReceipt, Receipt } from "./receipt.ts";

/** `Every fact holds` when that is all there is to say; else how many do, and how many warnings there are besides. */
export function verdictOf(receipt: Pick<Receipt, "hosts" | "warnings">): string {
  if (isGood(receipt)) return "Every fact holds";
  const { hosts, warnings } = receipt;
  const facts = factsIn(hosts.flatMap(({ statement }) => statement.facts));
  if (warnings.length === 0) return facts;
  return `${facts}, and ${warnings.length} ${warnings.length === 1 ? "warning" : "warnings"} besides`;
}

/** A warning is no fact that holds, nor is what nobody looked at; a run of no hosts has shown nothing. */
export function isGood({ hosts, warnings }: Pick<Receipt, "hosts" | "warnings">): boolean {
  const facts = hosts.flatMap(({ statement }) => statement.facts);
  return warnings.length === 0 && facts.length > 0 && facts.every(({ state }) => state === "holds");
}

/** How many of the files that the lock pins for a host it has, as it says: `8 of 8`, `none of 8`. */
export function filesIn({ wanted, statement }: Pick<HostReceipt, "wanted" | "statement">): string {
  const there = wanted.filter(({ path, sha256 }) =>
    statement.installed.some((one) => one.path === path && one.sha256 === sha256),
  ).length;
  return `${there === 0 ? "none" : there} of ${wanted.length}`;
}

/** `41 hold, 1 with a warning, 2 do not hold`. */
export function factsIn(facts: readonly FactReceipt[]): string {
  const words: readonly [FactState, (count: number) => string][] = [
    ["holds", (count) => `${count} ${count === 1 ? "holds" : "hold"}`],
    ["warned", (count) => `${count} with a warning`],
    ["fails", (count) => `${count} ${count === 1 ? "does" : "do"} not hold`],
    ["unseen", (count) => `${count} not looked at`],
  ];
  const told = words.flatMap(([state, say]) => {
    const count = facts.filter((fact) => fact.state === state).length;
    return count === 0 ? [] : [say(count)];
  });
  return told.join(", ") || "no facts";
}

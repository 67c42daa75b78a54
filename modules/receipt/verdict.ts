/** What the facts of a receipt come to, in words for people. Pure. */
import type { FactReceipt, FactState, HostReceipt } from "./receipt.ts";

/** `Every fact holds`, or how many do not. */
export function verdictOf(hosts: readonly HostReceipt[]): string {
  const facts = hosts.flatMap(({ statement }) => statement.facts);
  if (facts.length > 0 && facts.every(({ state }) => state === "holds")) return "Every fact holds";
  return factsIn(facts);
}

/** How many facts are not told to hold: a warning is none that holds, nor is what nobody looked at. */
export function notHolding(hosts: readonly HostReceipt[]): number {
  return hosts.flatMap(({ statement }) => statement.facts).filter(({ state }) => state !== "holds").length;
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

import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as aTurn } from "node:timers/promises";
import { inOrder } from "../../offline-bundle/archive/in-order.ts";

test("results come in the order of the jobs, whichever ends first, and no more jobs run than allowed", async () => {
  const running: (() => void)[] = [];
  let most = 0;
  const jobs = async function* (): AsyncGenerator<() => Promise<number>> {
    for (let at = 0; at < 12; at++) {
      await aTurn();
      yield async () => {
        await new Promise<void>((resolve) => (most = Math.max(most, running.push(resolve))));
        return at;
      };
    }
  };
  const results: number[] = [];
  const reading = (async () => {
    for await (const result of inOrder(jobs(), 4)) results.push(result);
  })();
  // As many as may run are let begin; then they end from the newest to the oldest.
  for (let ending = false; results.length < 12;) {
    await aTurn();
    if (running.length === 4) ending = true;
    if (ending) running.pop()?.();
    if (running.length === 0) ending = false;
  }
  await reading;
  assert.deepEqual(
    results,
    Array.from({ length: 12 }, (_, at) => at),
  );
  assert.equal(most, 4);
});

test("results before a failure are returned first, and nothing continues after the consumer stops", async () => {
  let underWay = 0;
  const ended: string[] = [];
  const jobs = async function* (names: readonly string[]): AsyncGenerator<() => Promise<string>> {
    try {
      for (const name of names) {
        await aTurn();
        yield async () => {
          underWay += 1;
          for (let turn = 0; turn < (name === "slow" ? 20 : 1); turn++) await aTurn();
          underWay -= 1;
          if (name === "failing") throw new Error("it failed");
          return name;
        };
      }
      throw new Error("no more jobs");
    } finally {
      ended.push("jobs");
    }
  };
  const results: string[] = [];
  await assert.rejects(async () => {
    for await (const result of inOrder(jobs(["slow", "failing", "quick"]), 4)) results.push(result);
  }, /it failed/);
  assert.deepEqual([results, ended, underWay], [["slow"], ["jobs"], 0]);
  for await (const result of inOrder(jobs(["quick", "slow", "never"]), 2)) {
    results.push(result);
    break;
  }
  assert.deepEqual([results, ended, underWay], [["slow", "quick"], ["jobs", "jobs"], 0]);
});

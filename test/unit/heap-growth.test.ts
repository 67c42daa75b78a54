import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { checkout } from "../lab/cache.ts";
import { runProgram } from "../../modules/core/process.ts";

const memory = join(checkout, "modules", "core", "pulumi", "memory.ts");

/** In one thread and in one go, so that a collection depends on nothing else that the machine does. Keeps the last of many objects, as Pulumi's SDK does, and prints the most bytes that the heap had. */
const churn = `
const kept = [];
let most = 0;
for (let index = 0; index < 4_000_000; index += 1) {
  kept[index % 600_000] = { index, numbers: [index, index + 1, index + 2, index + 3] };
  if (index % 10_000 === 0) most = Math.max(most, process.memoryUsage().heapUsed);
}
console.log(most);
`;

async function peak(before: string): Promise<number> {
  const { stdout } = await runProgram(process.execPath, [
    "--single-threaded-gc",
    "--no-incremental-marking",
    "--input-type=module",
    "-e",
    `${before}${churn}`,
  ]);
  return Number(stdout.toString());
}

test("objects that live for a while are collected before they are most of the heap", async () => {
  const usual = await peak("");
  const limited = await peak(`import { limitGarbage } from ${JSON.stringify(memory)};\nlimitGarbage();\n`);
  assert.ok(limited < 0.7 * usual, `${limited} bytes instead of ${usual}`);
});

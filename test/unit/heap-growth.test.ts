/** The option of Pulumi.yaml that keeps the memory of a large stack low (V8 13.6, src/flags/flag-definitions.h, `heap_growing_percent`). */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { runProgram } from "../../modules/core/process.ts";
import { checkout } from "../lab/cache.ts";

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

async function peak(...options: readonly string[]): Promise<number> {
  const alone = ["--single-threaded-gc", "--no-incremental-marking", "--input-type=module"];
  const { stdout } = await runProgram(process.execPath, [...options, ...alone, "-e", churn]);
  return Number(stdout.toString());
}

/** V8's options of a project. */
async function heapOptions(file: string): Promise<readonly string[]> {
  const { runtime } = parse(await readFile(join(checkout, file), "utf8")) as {
    runtime: { options: { nodeargs: string } };
  };
  return runtime.options.nodeargs.split(" ").filter((word) => word.startsWith("--heap"));
}

test("the product's project and a new repository collect garbage before it is most of the heap", async () => {
  const own = await heapOptions("Pulumi.yaml");
  assert.deepEqual(await heapOptions("cli/new/template/Pulumi.yaml"), own);
  const [usual, limited] = [await peak(), await peak(...own)];
  assert.ok(limited < 0.7 * usual, `${limited} bytes instead of ${usual}`);
});

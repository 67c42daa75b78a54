/**
 * The option of Pulumi.yaml that keeps the memory of a large stack low (V8 13.6, src/flags/flag-definitions.h, `heap_growing_percent`).
 * How much it saves depends on the speed of the machine: `npm run bench -- fleet` measures it.
 */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { runProgram } from "../../modules/core/process.ts";
import { checkout } from "../lab/cache.ts";

/** V8's options of a project. */
async function heapOptions(file: string): Promise<readonly string[]> {
  const { runtime } = parse(await readFile(join(checkout, file), "utf8")) as {
    runtime: { options: { nodeargs: string } };
  };
  return runtime.options.nodeargs.split(" ").filter((word) => word.startsWith("--heap"));
}

test("the product's project and a new repository pass one option to V8, which it knows", async () => {
  const own = await heapOptions("Pulumi.yaml");
  assert.equal(own.length, 1);
  assert.deepEqual(await heapOptions("cli/new/template/Pulumi.yaml"), own);
  const [option = ""] = own;
  // Node refuses an option that neither it nor V8 knows.
  const { exitCode, stdout } = await runProgram(process.execPath, [option, "-p", "process.execArgv[0]"]);
  assert.equal(exitCode, 0);
  assert.equal(stdout.toString().trim(), option);
});

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { skipUnusedTraces } from "../../modules/core/pulumi/stack-traces.ts";

/** What is installed when Pulumi runs the program: the handler of its ts-node, which looks up each line. */
let reads = 0;
const usual: unknown = Reflect.get(Error, "prepareStackTrace");
Error.prepareStackTrace = (error, frames): string => {
  reads += 1;
  return `${error.name}: ${error.message}\n    at ${frames.length} places`;
};
skipUnusedTraces();
after(() => {
  Reflect.set(Error, "prepareStackTrace", usual);
});

test("an error that only asks where it is costs nothing", () => {
  assert.equal(new Error().stack, "Error");
  assert.equal(reads, 0);
});

test("an error that somebody will read keeps its trace", () => {
  assert.match(new Error("broken").stack ?? "", /^Error: broken\n {4}at \d+ places$/);
  assert.match(new TypeError("").stack ?? "", /^TypeError: \n {4}at/);
});

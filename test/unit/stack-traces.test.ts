import assert from "node:assert/strict";
import { after, test } from "node:test";
import { skipUnusedTraces } from "../../modules/core/stack-traces.ts";

/** What stands there when Pulumi runs the program: its ts-node's, which looks up each line. */
let looked = 0;
const usual: unknown = Reflect.get(Error, "prepareStackTrace");
Error.prepareStackTrace = (error, frames): string => {
  looked += 1;
  return `${error.name}: ${error.message}\n    at ${frames.length} places`;
};
skipUnusedTraces();
after(() => {
  Reflect.set(Error, "prepareStackTrace", usual);
});

test("an error that only asks where it is costs nothing", () => {
  assert.equal(new Error().stack, "Error");
  assert.equal(looked, 0);
});

test("an error that somebody will read keeps its trace", () => {
  assert.match(new Error("broken").stack ?? "", /^Error: broken\n {4}at \d+ places$/);
  assert.match(new TypeError("").stack ?? "", /^TypeError: \n {4}at/);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { bracketed, endpoint } from "../../modules/core/endpoint.ts";

test("an endpoint is a host and a port, with brackets where the host contains colons", () => {
  assert.equal(endpoint("node-a.corp", 22), "node-a.corp:22");
  assert.equal(endpoint("10.0.0.5", 2222), "10.0.0.5:2222");
  assert.equal(endpoint("fd00::5", 5000), "[fd00::5]:5000");
  assert.deepEqual(["a.corp", "::1"].map(bracketed), ["a.corp", "[::1]"]);
  assert.equal(new URL(`https://${endpoint("fd00::5", 5000)}/v2/`).port, "5000");
});

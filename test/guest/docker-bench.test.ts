import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { before, test } from "node:test";
import { format } from "prettier";
import { daemonProfiles } from "../../modules/core/site/profiles.ts";
import { benchPage, benchResults, benchScript, type BenchResults } from "../support/guests/docker-bench.ts";
import { startEngine, type EngineInGuest } from "../support/guests/engine-in-guest.ts";
import { undoAfter } from "../support/process/undo.ts";

/** What docker-bench-security would report about a host, for each profile; UPDATE_DOCS=1 writes the page again. */
let engine: EngineInGuest;
const undo = undoAfter();
before(async () => {
  engine = await startEngine("docker-bench");
  undo(() => engine.end());
  await engine.on.root("useradd -m deploy && gpasswd -a deploy docker");
});

const results: Record<string, BenchResults> = {};

for (const profile of ["baseline", "cis"] as const) {
  test(`a host with profile ${profile}`, async () => {
    const { steps, text } = await engine.on.run("apply", engine.daemon(daemonProfiles[profile]));
    assert.ok(!steps.some(({ status }) => status === "failed"), text);
    const { stdout } = await engine.on.guest.exec("sudo -n sh -s", { input: benchScript() });
    results[profile] = benchResults(stdout);
  });
}

test("docs/reference/docker-bench.md is what the host reports", async () => {
  const file = new URL("../../docs/reference/docker-bench.md", import.meta.url);
  const page = await format(benchPage(results), { parser: "markdown" });
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(file, page);
  assert.equal(readFileSync(file, "utf8"), page);
});

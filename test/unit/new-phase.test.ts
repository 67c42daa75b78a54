import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { parseReport } from "../../modules/core/host/report.ts";
import { planText, type Phase } from "../../modules/core/host/step.ts";
import { checkout } from "../lab/cache.ts";
import { library } from "../support/fixtures/example-host.ts";
import { newPhase } from "../support/fixtures/new-phase.ts";

/** "A new phase" of CONTRIBUTING.md: the template becomes a phase that works, with the real runner and without a host. */
const folder = mkdtempSync(join(tmpdir(), "sealift-phase-"));
after(() => {
  rmSync(folder, { recursive: true });
});
const modules = join(folder, "modules");
mkdirSync(modules);
symlinkSync(join(checkout, "modules", "core"), join(modules, "core"));

test("the template under another name is a phase that checks, refuses, applies and corrects drift", async () => {
  const files = await newPhase("banner", modules);
  assert.deepEqual(files.map((file) => basename(file)).toSorted(), [
    "README.md",
    "banner.sh",
    "index.ts",
    "steps.ts",
  ]);
  for (const file of files) assert.doesNotMatch(readFileSync(file, "utf8"), /template/i, file);
  const { bannerPhase } = (await import(pathToFileURL(join(modules, "banner", "index.ts")).href)) as {
    bannerPhase: (spec: { file: string; text: string }) => Phase;
  };
  const file = join(folder, "issue");
  const phase = bannerPhase({ file, text: "authorised users only" });
  const plan = planText("node-a", phase, { serial: 7 });
  assert.equal(
    plan,
    [
      "phase node-a banner 7",
      `step banner.file '${file} says "authorised users only"' none banner_file ${file} 'authorised users only'`,
      "end\n",
    ].join("\n"),
  );

  const shell = library.text
    .replace("SEALIFT_STATE=/var/lib/sealift", `SEALIFT_STATE=${folder}/state`)
    .replace(/^SEALIFT_WRITES=.*$/m, "SEALIFT_WRITES=$SEALIFT_STATE")
    .replace("/run/sealift/lock/host", `${folder}/lock/host`);
  const own = readFileSync(join(modules, "banner", "banner.sh"), "utf8");
  const run = (mode: "check" | "apply"): string => {
    const input = `${shell}\n${own}\nrun ${mode} <<'PLAN'\n${plan}PLAN\n`;
    const { stdout } = spawnSync("sh", ["-s"], { input, encoding: "utf8" });
    return parseReport(stdout)
      .steps.map(({ status, code, found }) => `${status} ${code} ${found}`.trim())
      .join("\n");
  };
  assert.equal(run("check"), `drift banner.file ${file} is absent`);
  assert.equal(run("apply"), `changed banner.file ${file} is absent`);
  assert.equal(run("check"), "ok banner.file");
  assert.equal(run("apply"), "ok banner.file", "a second run changes nothing");
  writeFileSync(file, "welcome\n");
  assert.equal(run("check"), `drift banner.file ${file} has other content`);
  assert.equal(run("apply"), `changed banner.file ${file} has other content`);
  assert.equal(readFileSync(file, "utf8"), "authorised users only\n");
  rmSync(file);
  mkdirSync(file);
  assert.match(run("check"), /^refused banner\.file E_REFUSED .*issue is a directory/);
});

test("the name of a phase has letters only, and replaces no other", async () => {
  for (const name of ["", "a", "Banner", "two-words", "../core", "x y"])
    await assert.rejects(
      newPhase(name, modules),
      /is not a name for a phase: use 2 to 20 letters from a to z/,
      name,
    );
  await assert.rejects(newPhase("core", modules), /EEXIST/);
});

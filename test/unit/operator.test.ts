import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { remote } from "@pulumi/command";
import { formatProblem } from "../../modules/core/errors.ts";
import {
  agentProblems,
  ambientProblems,
  commandVersion,
  packageProblems,
} from "../../modules/core/operator.ts";
import manifest from "../../package.json" with { type: "json" };

test("the real @pulumi/command is pinned, not npm's latest", () => {
  assert.equal(manifest.dependencies["@pulumi/command"], commandVersion);
  assert.equal(typeof remote.CopyToRemote, "function");
});

test("a wrong or missing @pulumi/command is one line with the remedy", () => {
  assert.deepEqual(packageProblems("1.2.1"), []);
  assert.deepEqual(packageProblems("4.5.0").map(formatProblem), [
    "node_modules: E_PLUGIN_VERSION @pulumi/command: found: 4.5.0; expected: 1.2.1; fix: run npm ci",
  ]);
  assert.match(packageProblems(undefined).map(formatProblem).join(), /found: nothing; expected: 1\.2\.1/);
});

test("a plugin on PATH is refused, because Pulumi would use it whatever its version", () => {
  const folder = mkdtempSync(join(tmpdir(), "sealift-test-"));
  try {
    writeFileSync(join(folder, "pulumi-resource-command"), "#!/bin/sh\n");
    assert.deepEqual(ambientProblems({ PATH: folder }), [], "it cannot be run");
    chmodSync(join(folder, "pulumi-resource-command"), 0o755);
    assert.match(
      ambientProblems({ PATH: `/nowhere:${folder}` })
        .map(formatProblem)
        .join(),
      /E_PLUGIN_VERSION .*PULUMI_IGNORE_AMBIENT_PLUGINS=true/,
    );
    assert.deepEqual(ambientProblems({ PATH: folder, PULUMI_IGNORE_AMBIENT_PLUGINS: "true" }), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("without an ssh-agent it ends with one line that says how to start one", () => {
  assert.deepEqual(agentProblems({ SSH_AUTH_SOCK: "/run/agent" }), []);
  assert.match(
    agentProblems({}).map(formatProblem).join(),
    /^environment: E_AGENT SSH_AUTH_SOCK: found: nothing; .*; fix: run eval "\$\(ssh-agent\)" and ssh-add <key>$/,
  );
});

test("an older Node ends with one line, before it reads TypeScript", () => {
  const preload = new URL("../../modules/core/node-version.js", import.meta.url).href;
  const run = (version: string): ReturnType<typeof spawnSync> =>
    spawnSync(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        `Object.defineProperty(process.versions, "node", { value: "${version}" }); await import("${preload}"); console.log("went on")`,
      ],
      { encoding: "utf8" },
    );
  for (const old of ["20.20.2", "22.17.9", "18.0.0"]) {
    const { status, stderr, stdout } = run(old);
    assert.equal(status, 1);
    assert.match(
      String(stderr),
      new RegExp(`^\\S+: E_NODE_VERSION node: found: ${old}; expected: 22\\.18 or newer, .*\\n$`),
    );
    assert.equal(stdout, "");
  }
  for (const fine of ["22.18.0", "24.21.0", "25.0.0"]) assert.equal(run(fine).stdout, "went on\n");
});

test("compiled code is kept in the checkout's cache, unless another place is named", () => {
  const preload = new URL("../../modules/core/node-version.js", import.meta.url).href;
  const bare = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !["NODE_COMPILE_CACHE", "SEALIFT_CACHE"].includes(name)),
  );
  const folder = (env: Readonly<Record<string, string>>): string => {
    const script =
      'import { getCompileCacheDir } from "node:module"; console.log(getCompileCacheDir() ?? "none")';
    const args = ["--import", preload, "--input-type=module", "-e", script];
    return spawnSync(process.execPath, args, { encoding: "utf8", env: { ...bare, ...env } }).stdout;
  };
  const own = fileURLToPath(new URL("../../.cache/compile", import.meta.url));
  assert.ok(folder({}).startsWith(`${own}/`));
  const other = mkdtempSync(join(tmpdir(), "sealift-compile-"));
  try {
    assert.ok(folder({ NODE_COMPILE_CACHE: other }).startsWith(`${other}/`));
  } finally {
    rmSync(other, { recursive: true });
  }
});

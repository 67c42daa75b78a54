/** The copy of another engine's data root, interrupted at each point, and disturbed. Processes, mounts and owners are tested on a container. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { library } from "../support/fixtures/example-host.ts";

const folder = mkdtempSync(join(tmpdir(), "sealift-adopt-"));
after(() => {
  rmSync(folder, { recursive: true });
});
const at = (...path: readonly string[]): string => join(folder, ...path);

beforeEach(() => {
  rmSync(folder, { recursive: true });
  mkdirSync(at("old", "volumes", "orders", "_data"), { recursive: true });
  mkdirSync(at("old", "image", "overlay2"), { recursive: true });
  writeFileSync(at("old", "volumes", "orders", "_data", "one"), "kept");
  mkdirSync(at("data", "docker", "image"), { recursive: true });
});

/** What the copy says; empty when it is in its place. @param lines come before it, and may stand for programs. */
function adopt(lines = ""): string {
  const input = `${library.text}
set -eu
report_progress() { :; }
path_is_safe() { :; }
mount_inspect() { return 1; }
adopt_stopped() { :; }
adopt_own_engine_stops() { :; }
guard_upgrade_path_of() { :; }
sync() { :; }
install() { mkdir -p ${at("data", "docker.adopting")}; }
ENGINE_RAN=${at("ran")}
${lines}
apply_engine_adopted ${at("old")} 26.1.5 ${at("data", "docker")} classic 26.1.5
`;
  try {
    return execFileSync("sh", { input, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string };
    return `failed: ${stdout}${stderr}`;
  }
}
const inData = (): readonly string[] => readdirSync(at("data")).toSorted();
const kept = (): string => readFileSync(at("data", "docker", "volumes", "orders", "_data", "one"), "utf8");

/** Ends the run where it would rename for the n-th time. */
const cutAt = (n: number): string =>
  `renames=0; mv() { case "$*" in *.sealift-adopted.new*) command mv "$@"; return ;; esac; renames=$((renames + 1)); if [ $renames -eq ${n} ]; then exit 9; fi; command mv "$@"; }`;

test("existing content is moved aside, and the copy takes its place", () => {
  assert.equal(adopt(), "");
  assert.deepEqual(inData(), ["docker", "docker.before-adoption"]);
  assert.equal(kept(), "kept");
});

test("interrupted before each rename, the next run completes it with the existing copy", () => {
  for (const n of [1, 2, 3]) {
    rmSync(at("data"), { recursive: true });
    mkdirSync(at("data", "docker", "image"), { recursive: true });
    assert.match(adopt(cutAt(n)), /^failed: /);
    const copy = statSync(at("data", "docker.adopting")).ino;
    assert.equal(adopt(), "", `cut at ${n}`);
    assert.deepEqual(inData(), ["docker", "docker.before-adoption"]);
    assert.equal(statSync(at("data", "docker")).ino, copy);
    assert.equal(kept(), "kept");
  }
});

test("an empty data root that an engine created between the two renames is moved aside as well", () => {
  assert.match(adopt(cutAt(3)), /^failed: /);
  mkdirSync(at("data", "docker", "image"), { recursive: true });
  assert.equal(adopt(), "");
  assert.match(inData().join(" "), /^docker docker\.before-adoption docker\.before-adoption\.\d+$/);
});

test("changes in the old data root after an interruption are copied again, and what was moved aside is moved back first", () => {
  assert.match(adopt(cutAt(3)), /^failed: /);
  writeFileSync(at("old", "volumes", "orders", "_data", "one"), "late");
  assert.equal(adopt(), "");
  assert.deepEqual(inData(), ["docker", "docker.before-adoption"]);
  assert.equal(kept(), "late");
});

test("a write during the copy, or a difference in the copy, fails the adoption, and nothing is replaced", () => {
  const file = at("old", "volumes", "orders", "_data", "one");
  assert.match(
    adopt(`cp() { command cp "$@"; printf kepT >${file}; }`),
    /^failed: the copy in \S+ differs from \S+: \S+ changed during the copy/,
  );
  writeFileSync(file, "kept");
  const copied = at("data", "docker.adopting", "volumes", "orders", "_data", "one");
  assert.match(
    adopt(`cp() { command cp "$@"; printf kepT >${copied}; }`),
    /^failed: .* the content of a file differs/,
  );
  assert.deepEqual(inData(), ["docker", "docker.adopting"]);
  assert.equal(adopt(), "");
});

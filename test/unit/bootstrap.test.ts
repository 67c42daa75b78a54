import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { cachePath, checkout } from "../lab/cache.ts";
import { findProgram } from "../lab/packages/find-program.ts";

/** The programs of a machine that bootstrap.sh may use; node and npm are not among them. */
const programs = ["sh", "cat", "date", "dirname", "flock", "mkdir", "sha256sum", "sleep", "tail", "uname"];
const lock = "the lock\n";
let folder: string;

beforeEach(() => {
  mkdirSync(cachePath("test"), { recursive: true });
  folder = mkdtempSync(cachePath("test", "begin-"));
  for (const made of ["test/lab", "node_modules/.bin", "bin"])
    mkdirSync(join(folder, made), { recursive: true });
  copyFileSync(join(checkout, "test/lab/bootstrap.sh"), join(folder, "test/lab/bootstrap.sh"));
  writeFileSync(join(folder, "package-lock.json"), lock);
  writeFileSync(
    join(folder, "script.ts"),
    "const words: string[] = process.argv.slice(2); console.log(words);\n",
  );
  for (const program of programs) symlinkSync(findProgram(program) ?? program, join(folder, "bin", program));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test("runs the script directly if node_modules matches the lock", () => {
  installed(lock);
  assert.deepEqual(begin("script.ts", "a b", "c"), { status: 0, stdout: "[ 'a b', 'c' ]\n", stderr: "" });
});

test("installs again when the lock has changed, for which it needs npm", () => {
  installed("another lock\n");
  symlinkSync(process.execPath, join(folder, "bin", "node"));
  const { status, stderr } = begin("script.ts");
  assert.equal(status, 69);
  assert.match(stderr, /^sealift: there is no npm here; install Node\.js 20 or later with npm .*\n$/);
});

test("reports in one line that there is no node", () => {
  const { status, stdout, stderr } = begin("script.ts");
  assert.equal(status, 69);
  assert.equal(stdout, "");
  assert.match(stderr, /^sealift: there is no node here; install Node\.js 20 or later with npm .*\n$/);
});

test("two simultaneous starts install once: the second waits for the first", async () => {
  const at = (name: string): string => join(folder, name);
  const node = process.execPath;
  symlinkSync(node, at("bin/node"));
  for (const program of ["ln", "touch"]) symlinkSync(findProgram(program) ?? program, at(`bin/${program}`));
  program(
    "npm",
    `echo ci >>${at("npm-ran")}; until [ -e ${at("go")} ]; do sleep 0.05; done; ln -s ${node} node_modules/.bin/node`,
  );
  rmSync(at("bin/flock"));
  program("flock", `echo asked >>${at("asked")}; exec ${findProgram("flock") ?? ""} "$@"`);
  const both = [run(), run()];
  while (linesOf("asked") < 2 || linesOf("npm-ran") === 0) await setTimeout(20);
  writeFileSync(at("go"), "");
  assert.deepEqual(await Promise.all(both), [0, 0]);
  assert.equal(linesOf("npm-ran"), 1);

  function program(name: string, words: string): void {
    writeFileSync(at(`bin/${name}`), `#!/bin/sh\n${words}\n`, { mode: 0o755 });
  }
  function linesOf(name: string): number {
    return existsSync(at(name)) ? readFileSync(at(name), "utf8").split("\n").length - 1 : 0;
  }
  async function run(): Promise<unknown> {
    const child = spawn(at("bin/sh"), [at("test/lab/bootstrap.sh"), "script.ts"], { env: environment() });
    child.stdout.resume();
    const [status] = (await once(child, "exit")) as unknown[];
    return status;
  }
});

test("requires a script", () => {
  assert.equal(begin().status, 64);
});

function installed(of: string): void {
  symlinkSync(process.execPath, join(folder, "node_modules/.bin/node"));
  const stamp = `${createHash("sha256").update(of).digest("hex")}  -\n`;
  writeFileSync(join(folder, "node_modules/.sealift-lock"), stamp);
}

function begin(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  const script = join(folder, "test/lab/bootstrap.sh");
  const { status, stdout, stderr } = spawnSync(join(folder, "bin/sh"), [script, ...args], {
    encoding: "utf8",
    env: environment(),
  });
  return { status, stdout, stderr };
}

function environment(): Record<string, string> {
  return { PATH: join(folder, "bin"), SEALIFT_CACHE: join(folder, "cache") };
}

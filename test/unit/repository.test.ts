import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { readLibrary } from "../../modules/core/library.ts";
import { readSite } from "../../modules/core/site.ts";
import { environmentOfName } from "../../modules/core/site-text.ts";
import { readStackFile } from "../../modules/stack-file.ts";
import { checkout } from "../lab/cache.ts";
import manifest from "../../package.json" with { type: "json" };

/** Rules of the repository that a machine can hold. */
const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: checkout,
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => path !== "" && existsSync(join(checkout, path)));
const text = (path: string): string => readFileSync(join(checkout, path), "utf8");
const places = (paths: readonly string[], pattern: RegExp): string[] =>
  paths.flatMap((path) => (pattern.test(text(path)) ? [path] : []));

test("every dependency is pinned exactly", () => {
  const { dependencies, optionalDependencies, devDependencies } = manifest;
  for (const [name, version] of Object.entries({
    ...dependencies,
    ...optionalDependencies,
    ...devDependencies,
  })) {
    assert.match(version, /^\d+\.\d+\.\d+$/, name);
  }
});

test("the lockfile pins content and names no place to download from", () => {
  const { packages } = JSON.parse(text("package-lock.json")) as {
    packages: Record<string, { resolved?: string; integrity?: string }>;
  };
  const entries = Object.entries(packages).filter(([path]) => path !== "");
  assert.ok(entries.length > 100);
  for (const [path, { resolved, integrity }] of entries) {
    assert.equal(resolved, undefined, path);
    assert.match(integrity ?? "", /^sha512-/, path);
  }
});

test("every module says in a README what it makes true", () => {
  const modules = new Set(tracked.flatMap((path) => /^modules\/([^/]+)\//.exec(path)?.[1] ?? []));
  for (const name of modules) assert.ok(tracked.includes(`modules/${name}/README.md`), name);
});

test("whoever looks for a file of the core or of the bundle finds it in the README beside it", () => {
  const code = tracked.filter((path) => /^(modules\/core|offline-bundle)\/[^/]+\.(ts|js|sh)$/.test(path));
  assert.ok(code.length > 100);
  const untold = code.filter(
    (path) => !text(join(dirname(path), "README.md")).includes(`\`${basename(path)}\``),
  );
  assert.deepEqual(untold, []);
});

test("only converge.ts makes Commands, only probe.ts opens ssh in the product", () => {
  const product = tracked.filter((path) => /^(index\.ts|(modules|offline-bundle|cli)\/.*\.ts)$/.test(path));
  assert.deepEqual(places(product, /from "@pulumi\/command"/), ["modules/core/converge.ts"]);
  assert.deepEqual(places(product, /spawn\("s(sh|ftp)"|`ssh |"ssh2"/), ["modules/core/probe.ts"]);
});

test("every stack file in the repository is a site", () => {
  const names = tracked.flatMap((path) => /^stacks\/(.*)$/.exec(path)?.[1] ?? []);
  const environments = names.flatMap((name) => environmentOfName(name) ?? []);
  assert.ok(environments.includes("example"));
  for (const environment of environments) {
    const { file, value } = readStackFile(environment, "stacks");
    assert.ok(readSite(value, file).hosts.length > 0, environment);
  }
});

test("one shell file calls curl, and every way out goes through it", () => {
  const callers = tracked.filter(
    (path) =>
      /^modules\/.*\.sh$/.test(path) &&
      text(path)
        .split("\n")
        .some((line) => !/^\s*#/.test(line) && /(^|[\s;|&(])(curl|wget)\s/.test(line)),
  );
  assert.deepEqual(callers, ["modules/core/curl.sh"]);
});

test("every shell file of the modules is in the library that goes to hosts", () => {
  const { text: library } = readLibrary();
  // What is said on a command line, before the library is there.
  const said = /^modules\/core\/(login|launch|look|read-back|take-away)\.sh$/;
  const shell = tracked.filter((path) => /^modules\/.*\.sh$/.test(path) && !said.test(path));
  assert.deepEqual(
    shell.filter((path) => !library.includes(text(path))),
    [],
  );
});

test("no secret, no path of a machine, nothing switched off", () => {
  const own = tracked.filter(
    (path) => path !== "package-lock.json" && !path.startsWith("test/unit/repository"),
  );
  assert.deepEqual(places(own, /BEGIN [A-Z ]*PRIVATE KEY/), []);
  assert.deepEqual(places(own, /(^|[\s"'(])\/(root|home\/(?!deploy|plain|ops)[a-z]+|work|Users)\//m), []);
  const code = own.filter((path) => /\.(ts|js|sh)$/.test(path));
  assert.deepEqual(places(code, /\b(TODO|FIXME|XXX)\b|@ts-(ignore|nocheck)|eslint-disable/), []);
  assert.deepEqual(places(code, /\b(test|it|describe)\.(only|skip|todo)\(|\{ *(skip|todo): *true/), []);
});

test("no two test programs start a machine of the same name, for they may run at the same time", () => {
  const byName = new Map<string, Set<string>>();
  for (const path of tracked.filter((each) => each.startsWith("test/") && each.endsWith(".test.ts"))) {
    for (const [, name = ""] of text(path).matchAll(/\bstart[A-Z]\w*\(\s*(?:\{ name: )?"([a-z][a-z0-9-]*)"/g))
      byName.set(name, (byName.get(name) ?? new Set()).add(path));
  }
  assert.ok(byName.size > 20, `${byName.size} names found`);
  assert.deepEqual(
    [...byName].filter(([, paths]) => paths.size > 1).map(([name, paths]) => [name, ...paths]),
    [],
  );
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readLibrary } from "../../modules/core/host/library.ts";
import { readSite } from "../../modules/core/site/site.ts";
import { environmentOfName } from "../../modules/core/site/site-text.ts";
import { readStackFile } from "../../modules/environments/stack-file.ts";
import { checkout } from "../lab/cache.ts";
import { trackedFiles } from "../support/fixtures/tracked-files.ts";
import manifest from "../../package.json" with { type: "json" };

/** Rules of the repository that a program can check. */
const tracked = trackedFiles();
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

test("a package is a runtime dependency exactly when the product imports it", () => {
  const product = tracked.filter(
    (path) =>
      // The program of a team imports Sealift itself.
      !path.startsWith("cli/new/template/") &&
      /^(index\.ts|(modules|offline-bundle|cli)\/.*\.[jt]s)$/.test(path),
  );
  const imported = product.flatMap((path) =>
    [...text(path).matchAll(/(?:from |import\()"((?:@[\w.-]+\/)?[\w-]+)(?:\/[^"]*)?"/g)].map(
      ([, name]) => name,
    ),
  );
  assert.deepEqual([...new Set(imported)].sort(), Object.keys(manifest.dependencies).sort());
});

test("the lockfile pins content and names no download address", () => {
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

test("every module has a README that says what it makes true", () => {
  const modules = new Set(tracked.flatMap((path) => /^modules\/([^/]+)\//.exec(path)?.[1] ?? []));
  for (const name of modules) assert.ok(tracked.includes(`modules/${name}/README.md`), name);
});

test("every folder of the core and of the bundle is described in the README above it", () => {
  const folders = new Set(
    tracked.flatMap(
      (path) => /^((?:modules\/core|offline-bundle)(?:\/[^/]+)+)\/[^/]+\.(?:ts|sh)$/.exec(path)?.[1] ?? [],
    ),
  );
  assert.ok(folders.size > 12);
  const missing = [...folders].filter((folder) => {
    const top = folder.startsWith("offline-bundle") ? "offline-bundle" : "modules/core";
    return !text(`${top}/README.md`).includes(`\`${folder.slice(top.length + 1)}/\``);
  });
  assert.deepEqual(missing, []);
});

test("in the product, only converge.ts makes Commands, only probe.ts opens ssh, only process.ts starts programs", () => {
  const product = tracked.filter((path) => /^(index\.ts|(modules|offline-bundle|cli)\/.*\.ts)$/.test(path));
  assert.deepEqual(places(product, /from "@pulumi\/command"/), ["modules/core/pulumi/converge.ts"]);
  assert.deepEqual(places(product, /\w\("s(sh|ftp)", |`ssh |"ssh2"/), ["modules/core/host/probe.ts"]);
  assert.deepEqual(places(product, /"node:child_process"/), ["modules/core/process.ts"]);
});

test("a name is exported only if another file uses it, and a function of the product is not there for tests alone", () => {
  const code = tracked.filter((path) => /\.[jt]s$/.test(path));
  const isProduct = (path: string): boolean => /^(index\.ts$|(modules|offline-bundle|cli)\/)/.test(path);
  const wordsIn = new Map(
    code.map((path) => {
      const plain = text(path).replaceAll(/\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm, "");
      return [path, plain.match(/\w+/g) ?? []] as const;
    }),
  );
  const users = new Map<string, string[]>();
  for (const [path, words] of wordsIn)
    for (const word of new Set(words)) users.set(word, [...(users.get(word) ?? []), path]);
  const exported = code.filter(isProduct).flatMap((path) =>
    [...text(path).matchAll(/^export (?:async )?(?:function\*?|const|class) (\w+)/gm)].map(
      ([, name = ""]) => ({
        path,
        name,
        others: (users.get(name) ?? []).filter((user) => user !== path),
        own: wordsIn.get(path)?.filter((word) => word === name).length ?? 0,
      }),
    ),
  );
  assert.ok(exported.length > 500);
  const unused = exported.filter(({ others }) => others.length === 0);
  const forTests = exported.filter(({ others, own }) => own === 1 && !others.some(isProduct));
  assert.deepEqual(
    unused.map(({ path, name }) => `${path}: ${name}`),
    [],
  );
  // The generator of the reference pages reads it.
  assert.deepEqual(
    forTests.map(({ name }) => name),
    ["errorChapters"],
  );
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

test("one shell file calls curl, and every request goes through it", () => {
  const callers = tracked.filter(
    (path) =>
      /^modules\/.*\.sh$/.test(path) &&
      text(path)
        .split("\n")
        .some((line) => !/^\s*#/.test(line) && /(^|[\s;|&(])(curl|wget)\s/.test(line)),
  );
  assert.deepEqual(callers, ["modules/core/host/lib/curl.sh"]);
});

test("every shell file of the modules is in the library that goes to hosts", () => {
  const { text: library } = readLibrary();
  // What is said on a command line, before the library is there.
  const said = /^modules\/core\/host\/(host-script|login|launch|probe|read-back|remove-trial)\.sh$/;
  const shell = tracked.filter((path) => /^modules\/.*\.sh$/.test(path) && !said.test(path));
  assert.deepEqual(
    shell.filter((path) => !library.includes(text(path))),
    [],
  );
});

test("no secret, no path of a machine, nothing disabled", () => {
  const own = tracked.filter(
    (path) => path !== "package-lock.json" && !path.startsWith("test/unit/repository"),
  );
  assert.deepEqual(places(own, /BEGIN [A-Z ]*PRIVATE KEY/), []);
  assert.deepEqual(places(own, /(^|[\s"'(])\/(root|home\/(?!deploy|plain|ops)[a-z]+|work|Users)\//m), []);
  const code = own.filter((path) => /\.(ts|js|sh)$/.test(path));
  assert.deepEqual(places(code, /\b(TODO|FIXME|XXX)\b|@ts-(ignore|nocheck)|eslint-disable/), []);
  assert.deepEqual(places(code, /\b(test|it|describe)\.(only|skip|todo)\(|\{ *(skip|todo): *true/), []);
});

test("no two test programs start a machine of the same name, because they may run at the same time", () => {
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

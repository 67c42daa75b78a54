/** External values reach other programs as values, never as options: docs/decisions/0019. */
import assert from "node:assert/strict";
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { oras } from "../../offline-bundle/oci/oras.ts";
import { pushBundle } from "../../offline-bundle/push.ts";
import { sshKeygen } from "../../offline-bundle/signing/ssh-keygen.ts";
import { readBundleSpec } from "../../offline-bundle/spec/read-bundle-spec.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
import { program, type SourcesUnderTest, sourcesUnderTest } from "../support/fixtures/sources-under-test.ts";
import { programsOf } from "../support/guests/shell-programs.ts";
import { undoAfter } from "../support/process/undo.ts";

let site: SourcesUnderTest;
/** Writes each of its arguments on a line of its own. */
let echo: string;
const undo = undoAfter();
before(async () => {
  site = await sourcesUnderTest();
  undo(() => site.remove());
  echo = join(site.folder, "echo");
  await writeFile(echo, `#!/bin/sh\nprintf '%s\\n' "$@"\n`);
  await chmod(echo, 0o755);
});

const pair = "@sha256:2b20bfe7bb76a7405dfcc75193e7768c41c1fffa28aeabc15e7ad21b0fdc9a89";

const refusedWords: readonly (readonly [string, object])[] = [
  ["a registry that is an option", { files: [program("x", "oci:--config/x/y:1")] }],
  ["a short option", { files: [program("x", "oci:-d/x:1")] }],
  ["a repository that is an option", { files: [program("x", "oci:registry.example/--x:1")] }],
  ["a tag that is an option", { files: [program("x", "oci:registry.example/x:--y")] }],
  ["an option with a digest", { files: [program("x", `oci:--debug/x${pair}`)] }],
  ["two names in one", { files: [program("x", "oci:registry.example/x:1 --debug")] }],
  ["an image that is an option", { images: [{ name: "--config/x:1" }] }],
  ["an image of a dash", { images: [{ name: "-/x:1" }] }],
  ["a mirror that is an option", { mirrors: { "oci:docker.io/": ["oci:--config=x/"] } }],
  ["a place with a mirror that is an option", { mirrors: { "oci:--x/": ["oci:registry.example/"] } }],
  ["a host that is an option", { files: [program("x", "https://-oProxyCommand=x/y")] }],
  [
    "a version that is an option",
    { files: [program("x", "oci:r.example/x:{version}", { versions: ["--x"] })] },
  ],
  ["a package that is an option", { files: [program("x", "file:x.deb", { kind: "deb", package: "--x" })] }],
];

for (const [what, expected] of refusedWords) {
  test(`bundle.yaml is refused with line and column: ${what}`, async () => {
    await site.spec(expected);
    const problems = await assertRefused(readBundleSpec(site.bundleFile));
    for (const problem of problems) {
      assert.equal(problem.code, "E_VALUE");
      assert.match(formatProblem(problem), /bundle\.yaml:\d+:\d+: E_VALUE /);
    }
  });
}

test("every name passed to oras follows --", async () => {
  const before = process.env["SEALIFT_ORAS"];
  process.env["SEALIFT_ORAS"] = echo;
  try {
    const words = await oras(["manifest", "fetch"], ["--help", "-d", "$(id)"], site.folder);
    assert.deepEqual(words.split("\n"), ["manifest", "fetch", "--", "--help", "-d", "$(id)"]);
  } finally {
    if (before === undefined) delete process.env["SEALIFT_ORAS"];
    else process.env["SEALIFT_ORAS"] = before;
  }
});

test("oras itself takes what follows -- as a name", async () => {
  const [problem] = await assertRefused(oras(["resolve"], ["--debug"], site.folder));
  assert.match(problem?.found ?? "", /invalid reference|--debug/);
  assert.doesNotMatch(problem?.found ?? "", /unknown (flag|shorthand)/);
});

test("what is passed to ssh-keygen follows the option that takes it, whatever it begins with", async () => {
  const args = ["-Y", "find-principals", "-s", "-D/nowhere.so", "-f", "-h"];
  const { exitCode, stderr } = await sshKeygen(args, new Uint8Array());
  assert.notEqual(exitCode, 0);
  assert.match(stderr, /signature file: No such file/);
  assert.doesNotMatch(stderr, /usage|provider|unknown option/i);
});

test("a registry that is an option is refused", async () => {
  for (const registry of ["-d", "--debug", "--config/x", "-/x"]) {
    const [problem] = await assertRefused(
      pushBundle(site.folder, registry, { allowedSigners: "x" }).catch(toEnd),
    );
    assert.ok(problem !== undefined);
    assert.ok(["E_VALUE", "E_BUNDLE_MISSING"].includes(problem.code), problem.code);
  }
});

test("every program that TypeScript starts has a row in the decision on how values reach it", async () => {
  const page = await readFile("docs/decisions/0019-external-values-never-become-options.md", "utf8");
  // test/unit/repository.test.ts makes sure that modules/core/process.ts alone starts programs.
  const starts = /\b(?:runProgram|runOnTerminal|programFilter)\(\s*(["`][^"`]*["`]|\w+)/g;
  const found = new Set<string>();
  for (const folder of ["offline-bundle", "modules", "cli"]) {
    for (const name of await readdir(folder, { recursive: true })) {
      if (!name.endsWith(".ts") || name === "core/process.ts") continue;
      const text = await readFile(join(folder, name), "utf8");
      for (const [, program = ""] of text.matchAll(starts)) found.add(program.replaceAll(/["`]/g, ""));
    }
  }
  // What stands in a variable: oras and gpgv by their places, and a credential helper by its name.
  const named = [...found].map((name) => (name === "program" ? "docker-credential-" : name)).sort();
  const programs = [
    "age",
    "docker-credential-",
    "editor",
    "git",
    "node",
    "npm",
    "sftp",
    "ssh",
    "ssh-keygen",
    "ssh-keyscan",
    "xz",
  ];
  assert.deepEqual(named, programs);
  for (const name of [...named, "oras", "gpgv"]) assert.ok(page.includes(`\`${name}`), name);
});

test("every program that the shell of a host starts has a row there, too", async () => {
  const page = await readFile("docs/decisions/0019-external-values-never-become-options.md", "utf8");
  const names = (await readdir("modules", { recursive: true })).filter((name) => name.endsWith(".sh"));
  const programs = programsOf(
    await Promise.all(names.map((name) => readFile(join("modules", name), "utf8"))),
  );
  // What a probe, a change and a registry's shell start, so that an empty list shows.
  for (const one of ["curl", "lvcreate", "sshd", "runuser", "tar"]) assert.ok(programs.includes(one), one);
  const rows = new Set([...page.matchAll(/`([^`]+)`/g)].map(([, name]) => name));
  assert.deepEqual(
    programs.filter((name) => !rows.has(name)),
    [],
  );
  const script = `f() { x=$(one "$(two)" | three); }\n# four\ncase $1 in five) six ;; esac\ntimeout 5 seven 'eight;'; timeout 5 "$x" y; timeout "$s" "$x" z; timeout "$s" nine z <<END\nten\nEND\nf`;
  assert.deepEqual(programsOf([script]), ["nine", "one", "seven", "six", "three", "timeout", "two"]);
});

function toEnd(error: unknown): never {
  throw error;
}

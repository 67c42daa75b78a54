import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { architectureDrawing } from "../support/architecture/drawing.ts";
import {
  cycles,
  importGraph,
  isPhase,
  readImports,
  areaGraph,
  areaOf,
  wrongImports,
} from "../support/architecture/imports.ts";
import {
  constantsRead,
  mentions,
  namedCalls,
  readSources,
  constantsSet,
  shellFunctions,
  type Sources,
} from "../support/architecture/shell-calls.ts";

/** The parts of the product and what each may import: docs/architecture.md. Each rule is also tried on a graph that breaks it. */
const imports = readImports();
const made = (files: Readonly<Record<string, readonly string[]>>): ReturnType<typeof importGraph> =>
  importGraph(
    new Map(
      Object.entries(files).map(([path, targets]) => [
        path,
        targets.map((target) => `import "${target}";`).join("\n"),
      ]),
    ),
  );

test("no file imports itself, directly or through others", () => {
  assert.ok(imports.size > 200, `${imports.size} files`);
  assert.deepEqual(cycles(imports), []);
});

test("a cycle of imports is reported with all of its files", () => {
  const circle = made({
    "cli/a.ts": ["./b.ts"],
    "cli/b.ts": ["./c.ts", "./d.ts"],
    "cli/c.ts": ["./a.ts"],
    "cli/d.ts": [],
  });
  assert.deepEqual(cycles(circle), [["cli/a.ts", "cli/b.ts", "cli/c.ts"]]);
});

test("imports go down: index.ts and cli, receipt, rollout, environments, phases, offline-bundle, core", () => {
  assert.deepEqual(wrongImports(imports), []);
});

test("an import that goes up, or from phase to phase, is reported", () => {
  const wrong: readonly (readonly [from: string, target: string, to: string])[] = [
    ["modules/users/steps.ts", "../engine/steps.ts", "modules/engine/steps.ts"],
    ["modules/core/quote.ts", "../users/steps.ts", "modules/users/steps.ts"],
    ["modules/core/quote.ts", "../../offline-bundle/pack.ts", "offline-bundle/pack.ts"],
    ["modules/core/quote.ts", "./site/site.ts", "modules/core/site/site.ts"],
    ["modules/core/site/site.ts", "../host/step.ts", "modules/core/host/step.ts"],
    ["modules/core/host/step.ts", "../pulumi/converge.ts", "modules/core/pulumi/converge.ts"],
    ["modules/users/steps.ts", "../rollout/phases.ts", "modules/rollout/phases.ts"],
    ["modules/environments/check.ts", "../rollout/phases.ts", "modules/rollout/phases.ts"],
    ["offline-bundle/pack.ts", "../modules/engine/steps.ts", "modules/engine/steps.ts"],
    ["modules/rollout/phases.ts", "../../cli/show.ts", "cli/show.ts"],
    ["cli/show.ts", "../index.ts", "index.ts"],
  ];
  for (const [from, target, to] of wrong)
    assert.deepEqual(wrongImports(made({ [from]: [target], [to]: [] })), [`${from} imports ${to}`]);
  assert.deepEqual(
    wrongImports(made({ "cli/show.ts": ["../modules/users/a.ts"], "modules/users/a.ts": [] })),
    [],
  );
});

test("the areas can be grasped at a glance: at most 20, without a cycle", () => {
  const areas = areaGraph(imports);
  assert.ok(areas.size <= 20, [...areas.keys()].join(" "));
  assert.ok([...areas.keys()].filter(isPhase).length >= 7);
  assert.deepEqual(cycles(areas), []);
});

test("docs/architecture.svg shows these areas; npm run docs and UPDATE_DOCS=1 write it", () => {
  const file = new URL("../../docs/architecture.svg", import.meta.url);
  const text = architectureDrawing(imports);
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(file, text);
  assert.equal(readFileSync(file, "utf8"), text);
});

test("a drawing has every part once, and an arrow for each import that does not follow from others", () => {
  const text = architectureDrawing(
    made({
      "index.ts": ["./modules/users/a.ts", "./modules/core/quote.ts"],
      "modules/users/a.ts": ["../core/host/step.ts"],
      "modules/engine/a.ts": [],
      "modules/core/host/step.ts": ["../site/site.ts"],
      "modules/core/site/site.ts": [],
      "modules/core/quote.ts": [],
    }),
  );
  assert.deepEqual(
    [...text.matchAll(/<text [^>]*>(.*)<\/text>/g)].map(([, name]) => name),
    ["index.ts", "modules: the phases", "engine", "users", "modules/core", "host", "site"],
  );
  assert.deepEqual(
    [...text.matchAll(/<title>(.*)<\/title>/g)].map(([, words]) => words),
    ["index.ts imports modules: the phases", "modules: the phases imports modules/core", "host imports site"],
  );
});

const sources = readSources();

/** What is wrong with the shell, as sentences. */
function shellProblems({ shell, typescript }: Sources): string[] {
  const functions = shellFunctions(shell);
  const byName = Map.groupBy(functions, ({ name }) => name);
  const inReach = (from: string, to: string): boolean =>
    areaOf(from) === areaOf(to) || to.startsWith("modules/core/host/");
  const twice = [...byName].flatMap(([name, all]) =>
    all.length === 1 ? [] : [`${name} is defined in ${all.map(({ file }) => file).join(" and ")}`],
  );
  const foreign = functions.flatMap(({ name, file, body }) =>
    [...mentions(body)].flatMap((word) =>
      (byName.get(word) ?? [])
        .filter((other) => !inReach(file, other.file))
        .map((other) => `${name} of ${file} calls ${word} of ${other.file}`),
    ),
  );
  const sets = [...shell].map(([file, text]) => ({ file, names: constantsSet(text) }));
  const constants = [...shell].flatMap(([file, text]) =>
    [...constantsRead(text)].flatMap((name) => {
      const setters = sets.flatMap((other) => (other.names.has(name) ? [other.file] : []));
      return setters.length === 0 || setters.some((other) => inReach(file, other))
        ? []
        : [`${file} reads ${name} of ${setters.join(" and ")}`];
    }),
  );
  const calls = namedCalls(typescript);
  const named = calls.flatMap(({ name, file }) => {
    const check = byName.get(`check_${name}`)?.[0];
    if (check === undefined) return [`${file} names ${name}, and there is no check_${name}`];
    if (!inReach(file, check.file)) return [`${file} names check_${name} of ${check.file}`];
    const changes = !checkedOnly.test(check.file);
    return changes && !byName.has(`apply_${name}`)
      ? [`${file} names ${name}, and there is no apply_${name}`]
      : [];
  });
  const mentioned = new Set(functions.flatMap(({ body }) => [...mentions(body)]));
  const names = new Set(calls.map(({ name }) => name));
  const lost = functions.flatMap(({ name, file }) => {
    const [, kind = "", fact = ""] = /^(check|apply|guard|effect|value)_(.*)$/.exec(name) ?? [];
    if (kind === "" || mentioned.has(name)) return [];
    if (!byName.has(`check_${fact}`)) return [`${file} has ${name}, and there is no check_${fact}`];
    return names.has(fact) || mentioned.has(`check_${fact}`)
      ? []
      : [`${file} has ${name}, which no plan names`];
  });
  return [...twice, ...foreign, ...constants, ...named, ...lost];
}

/** Facts that nothing makes true: they are refused. */
const checkedOnly = /^modules\/(preflight\/|core\/|swarm\/paths\.sh$)/;

test("a phase uses its own shell functions and constants and those of modules/core/host; functions named in a plan exist; no function is defined twice", () => {
  assert.ok(shellFunctions(sources.shell).length > 300);
  assert.ok(namedCalls(sources.typescript).length > 70);
  assert.deepEqual(shellProblems(sources), []);
});

test("a shell function that belongs to another phase, is missing, is unused or is defined twice is reported", () => {
  const base = {
    "modules/core/host/lib/files.sh": "put() {\n  :\n}\n",
    "modules/a/a.sh": "check_a() {\n  put x # check_b\n}\napply_a() {\n  put x\n}\n",
    "modules/b/b.sh": "check_b() {\n  :\n}\napply_b() {\n  :\n}\n",
  };
  const steps = {
    "modules/a/steps.ts": `const step = (code: string, call: Step["call"]): Step => ({ code, call });\nstep("a", ["a", "x"]);`,
    "modules/b/steps.ts": `export const steps = [{ code: "b", call: yes ? ["b"] : ["b", "x"] }];`,
  };
  const problems = (
    shell: Readonly<Record<string, string>>,
    typescript: Readonly<Record<string, string>> = {},
  ): string[] =>
    shellProblems({
      shell: new Map(Object.entries({ ...base, ...shell })),
      typescript: new Map(Object.entries({ ...steps, ...typescript })),
    });
  assert.deepEqual(problems({}), []);
  assert.deepEqual(problems({ "modules/b/c.sh": 'b_more() {\n  echo "$(check_a)"\n}\n' }), [
    "b_more of modules/b/c.sh calls check_a of modules/a/a.sh",
  ]);
  assert.deepEqual(
    problems({ "modules/core/host/c.sh": "core_more() {\n  if ! check_a; then return 1; fi\n}\n" }),
    ["core_more of modules/core/host/c.sh calls check_a of modules/a/a.sh"],
  );
  assert.deepEqual(problems({ "modules/b/c.sh": "put() {\n  :\n}\n" }), [
    "put is defined in modules/core/host/lib/files.sh and modules/b/c.sh",
    "check_a of modules/a/a.sh calls put of modules/b/c.sh",
    "apply_a of modules/a/a.sh calls put of modules/b/c.sh",
  ]);
  assert.deepEqual(
    problems({ "modules/a/c.sh": "A_ROOT=/a\n", "modules/b/c.sh": 'b_more() {\n  ls "$A_ROOT"\n}\n' }),
    ["modules/b/c.sh reads A_ROOT of modules/a/c.sh"],
  );
  assert.deepEqual(problems({ "modules/b/c.sh": "guard_c() {\n  :\n}\n" }), [
    "modules/b/c.sh has guard_c, and there is no check_c",
  ]);
  assert.deepEqual(problems({ "modules/b/c.sh": "check_c() {\n  :\n}\n" }), [
    "modules/b/c.sh has check_c, which no plan names",
  ]);
  assert.deepEqual(
    problems({}, { "modules/b/c.ts": `export function c(): Step["call"] {\n  return ["c"];\n}` }),
    ["modules/b/c.ts names c, and there is no check_c"],
  );
  assert.deepEqual(problems({}, { "modules/b/c.ts": `export const c = { call: ["a"] };` }), [
    "modules/b/c.ts names check_a of modules/a/a.sh",
  ]);
  assert.deepEqual(
    problems(
      { "modules/b/c.sh": "check_c() {\n  :\n}\n" },
      { "modules/b/c.ts": `export const c = { call: ["c"] };` },
    ),
    ["modules/b/c.ts names c, and there is no apply_c"],
  );
});

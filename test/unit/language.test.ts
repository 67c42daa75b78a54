import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { parseDocument, visit } from "yaml";
import { errorCodes } from "../../modules/core/errors.ts";
import { renamedKeys } from "../../modules/core/site/renamed-keys.ts";
import { checkout } from "../lab/cache.ts";
import { trackedFiles } from "../support/fixtures/tracked-files.ts";
import { declaredNames, exportedNames, literals, wordsOf } from "../support/architecture/names.ts";
import { shellFunctions } from "../support/architecture/shell-calls.ts";

/** docs/glossary.md in names and messages: one term has one meaning, and the words that it replaces are not used. */
const tracked = trackedFiles();
const text = (path: string): string => readFileSync(join(checkout, path), "utf8");
const typescript = tracked.filter((path) => path.endsWith(".ts"));
const product = typescript.filter((path) => /^(index\.ts$|cli\/|modules\/|offline-bundle\/)/.test(path));
const shell = tracked.filter((path) => /^modules\/.*\.sh$/.test(path));

/** Words that are no part of a name, and the term instead. */
const oldWords: Readonly<Record<string, string>> = {
  anew: "again",
  doorway: "endpoint",
  feeder: "upstream",
  foresee: "report_drift",
  leaver: "removed user",
  leavers: "removed users",
  look: "probe",
  looks: "probes",
  mend: "fix",
  stranger: "unmanaged member",
  strangers: "unmanaged members",
  survey: "site plan",
  sweep: "prune",
  tell: "report",
  tells: "reports",
  told: "reported",
  vouch: "attest, sign",
  vouches: "attests, signs",
};

/** Names of before the glossary, whole. */
const oldNames: Readonly<Record<string, string>> = {
  Authority: "CaBundle",
  HostLook: "HostProbe",
  Inputs: "LoadedSite",
  Mark: "HostRevision",
  Seal: "BundleManifest",
  SiteFacts: "SiteContext",
  SurveyedHost: "HostPlan",
  Want: "BundleSpec",
  atOnce: "concurrency",
  doorOf: "endpoint",
  give_up: "fail_step",
  isTold: "isReported",
  lacking: "missingFromDelta",
  meant: "suggest",
  passedOver: "ignoredSignatures",
  refuse_because: "refuse",
  waived: "overridden",
  warn_that: "warn",
  ...Object.fromEntries(
    "STRANGERS OWN_LOGIN ENGINE_JUMP JUMP_UNREACHABLE JUMP_KEY JUMP_LOGIN JUMP_FORWARD FOREIGN_ENGINE FOREIGN_UNIT PIN BUNDLE_COVERAGE SITE_SIZE SPACE PLAN LIBRARY STEP"
      .split(" ")
      .map((code) => [`E_${code}`, "the code of modules/core/errors.ts"]),
  ),
};

/** A decision keeps the title that it was given. */
const keepTheirNames = /^docs\/decisions\//;

const names: readonly (readonly [name: string, place: string])[] = [
  ...typescript.flatMap((path) => exportedNames(path, text(path)).map((name) => [name, path] as const)),
  ...shellFunctions(new Map(shell.map((path) => [path, text(path)]))).map(
    ({ name, file }) => [name, file] as const,
  ),
  ...errorCodes.map((code) => [code, "modules/core/errors.ts"] as const),
  ...tracked.filter((path) => !keepTheirNames.test(path)).map((path) => [basename(path), path] as const),
];

function oldOnes(all: typeof names): string[] {
  return all.flatMap(([name, place]) => {
    const [word] = wordsOf(name).filter((one) => Object.hasOwn(oldWords, one));
    const instead = oldNames[name] ?? (word === undefined ? undefined : oldWords[word]);
    return instead === undefined ? [] : [`${name} (${place}): ${instead}`];
  });
}

test("no exported name, shell function, error code or file has a word that the glossary has replaced", () => {
  assert.ok(names.length > 2000, `${names.length} names`);
  assert.deepEqual(oldOnes(names), []);
});

/** The same words, and more, for names within a file; WantedBy is systemd's. */
const localWords: Readonly<Record<string, string>> = {
  ...oldWords,
  patience: "retry policy",
  wanted: "expected",
};

function oldLocals(path: string, content: string): string[] {
  return declaredNames(path, content).filter((name) =>
    name === "WantedBy" ? false : wordsOf(name).some((word) => Object.hasOwn(localWords, word)),
  );
}

test("no variable, parameter or property has a word that the glossary has replaced", () => {
  const found = typescript.flatMap((path) => oldLocals(path, text(path)).map((name) => `${path}: ${name}`));
  assert.deepEqual(found, []);
  const sample =
    "const toldAll = 1; function f({ a: looks }, wanted) {} interface X { patience: 1; WantedBy: 2 }";
  assert.deepEqual(oldLocals("a.ts", sample), ["toldAll", "looks", "wanted", "patience"]);
});

test("an old word is found in each kind of name", () => {
  const found = oldOnes([
    ["tellAll", "a.ts"],
    ["HostLook", "a.ts"],
    ["check_strangers", "a.sh"],
    ["E_STRANGERS", "errors.ts"],
    ["removed-leavers.ts", "a"],
    ["retell", "a.ts"],
  ]);
  assert.deepEqual(found, [
    "tellAll (a.ts): report",
    "HostLook (a.ts): HostProbe",
    "check_strangers (a.sh): unmanaged members",
    "E_STRANGERS (errors.ts): the code of modules/core/errors.ts",
    "removed-leavers.ts (a): removed users",
  ]);
});

test("an exported name of the product has one meaning: it is exported once", () => {
  const places = Map.groupBy(
    product.flatMap((path) => exportedNames(path, text(path)).map((name) => ({ name, path }))),
    ({ name }) => name,
  );
  const twice = [...places]
    .filter(([, all]) => all.length > 1)
    .map(([name, all]) => `${name}: ${all.map(({ path }) => path).join(" ")}`);
  assert.ok(places.size > 800);
  assert.deepEqual(twice, []);
});

/** Phrases that no message has. */
const oldPhrases = /\b(told|anew|mends?|mended|vouch(es|ed)?|by hand|strangers?|leavers?)\b/i;

function messagesWithOldPhrases(paths: readonly string[]): string[] {
  return paths.flatMap((path) =>
    literals(path, text(path)).flatMap((literal) =>
      oldPhrases.test(literal) ? [`${path}: ${literal.trim().slice(0, 100)}`] : [],
    ),
  );
}

test("no message has a phrase that the glossary replaces", () => {
  assert.deepEqual(messagesWithOldPhrases([...product, ...shell]), []);
});

/** Comments of shell, and names of tests: both are documentation. */
function documentation(path: string, content: string): string[] {
  const found = path.endsWith(".sh")
    ? content.matchAll(/^\s*# (.*)$/gm)
    : content.matchAll(/^\s*(?:test|describe)\(\s*["`](.*)["`],/gm);
  return [...found].map(([, words = ""]) => words);
}

test("no comment of the shell on hosts and no name of a test says what the glossary says otherwise", () => {
  const tests = tracked.filter((path) => path.endsWith(".test.ts"));
  const all = [...shell, ...tests].flatMap((path) =>
    documentation(path, text(path)).map((words) => `${path}: ${words}`),
  );
  assert.ok(all.length > 2000, `${all.length} comments and names`);
  assert.deepEqual(
    all.filter((words) => oldPhrases.test(words)),
    [],
  );
  assert.deepEqual(
    [
      ...documentation("a.sh", "# is told\necho told\n  # anew\n"),
      ...documentation("a.ts", 'test("mends", x);'),
    ],
    ["is told", "anew", "mends"],
  );
});

test("messages are read from TypeScript and from shell, without comments", () => {
  assert.deepEqual(literals("a.ts", "// told\nconst a = `mend ${b} anew`; f('is told', 'told', /told/);"), [
    "mend ",
    " anew",
    "is told",
  ]);
  assert.deepEqual(literals("a.sh", 'x # told "so"\nrefuse E_X "is $told" \'or not\' "one"\n'), [
    "is $",
    "or not",
  ]);
});

/** Keys of the schema by the names that they had before, each with the path in the schema. */
function oldKeysOfSchema(node: unknown, path = ""): string[] {
  if (typeof node !== "object" || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) => [
    ...(path.endsWith(".properties") && isOldKey(key, path) ? [`${path}.${key}`] : []),
    ...oldKeysOfSchema(value, `${path}.${key}`),
  ]);
}

/** Old names that are keys of today elsewhere. */
const stillKeys: Readonly<Record<string, RegExp>> = { serial: /\.disks\b/, keep: /\.(apps|backups)\b/ };

function isOldKey(key: string, path: string): boolean {
  return Object.hasOwn(renamedKeys, key) && stillKeys[key]?.test(path) !== true;
}

test("the schemas of the site file have no key by its old name", () => {
  for (const name of ["site", "environment", "shared", "stack"]) {
    const schema = JSON.parse(text(`stacks/${name}.schema.json`)) as object;
    assert.deepEqual(oldKeysOfSchema(schema), [], name);
  }
  const old = Object.keys(renamedKeys);
  const properties = Object.fromEntries(old.map((key) => [key, {}]));
  assert.equal(oldKeysOfSchema({ $defs: { any: { properties } } }).length, old.length);
  assert.deepEqual(oldKeysOfSchema({ disks: { items: { properties: { serial: {} } } } }), []);
});

/** Keys of a YAML text by their old names. */
function oldKeysOfYaml(yaml: string): string[] {
  const found: string[] = [];
  visit(parseDocument(yaml), {
    Pair(_, { key }, ancestors) {
      const name = String(key);
      const above = ancestors.flatMap((one) => ("key" in one ? [String(one.key)] : []));
      if (isOldKey(name, `.${above.join(".")}`)) found.push(name);
    },
  });
  return found;
}

test("no example and no environment has a key by its old name", () => {
  const files = tracked.filter((path) => /^(examples|stacks)\/.*\.yaml$/.test(path));
  assert.ok(files.length >= 8, files.join(" "));
  for (const path of files) assert.deepEqual(oldKeysOfYaml(text(path)), [], path);
  assert.deepEqual(oldKeysOfYaml("dockerGroup: { strangers: remove }"), ["strangers"]);
});

/** How documents and messages name keys of the site file that have another name today. */
const oldKeysInText = new RegExp(
  [
    String.raw`\b(systemUid|dockerGroup\.strangers|bundle\.signatures|registry\.(keep|sources)|volumes\.(disk|serial|logical)|moreDisks)\b`,
    String.raw`\b(strangers:|keys: (exact|add)\b|signatures: ?[1-9]\b|login: \w+[ ,}]|jump: \{|logical: \[|disk: "?/dev/)`,
    String.raw`^\s*(- )?(login|jump|logical|disk):`,
    "`keep:|\\b[Ss]et `?(keep|login|jump)\\b[`:]",
  ].join("|"),
);

function linesWithOldKeys(path: string): string[] {
  const parts = /\.(ts|sh)$/.test(path) ? literals(path, text(path)) : [text(path)];
  return parts
    .flatMap((part) => part.split("\n"))
    .flatMap((line) => (oldKeysInText.test(line) ? [`${path}: ${line.trim()}`] : []));
}

test("no document, schema or message names a key of the site file by its old name", () => {
  const documents = tracked.filter(
    (path) => (path.endsWith(".md") || /^stacks\/.*\.json$/.test(path)) && !keepTheirNames.test(path),
  );
  assert.ok(documents.length > 40, `${documents.length} documents`);
  assert.deepEqual([...documents, ...product, ...shell].flatMap(linesWithOldKeys), []);
  for (const line of [
    "set systemUid: true",
    "dockerGroup: { strangers: remove }",
    "or set keys: add",
    "  signatures: 2",
    "without `keep:`",
    "of `registry.sources`",
    "    login: ops",
    "volumes: { disk: /dev/disk/by-id/a }",
    "      logical:",
    "add it to moreDisks",
    "jump: { address: 10.20.0.2, login: jump, hostKey: x }",
  ])
    assert.match(line, oldKeysInText);
});

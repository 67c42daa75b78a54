/**
 * Hostile texts in every place of a site file: each is refused with line and column before any host is probed, or every word of every plan
 * arrives in a real shell as it was written, byte for byte.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { stringify } from "yaml";
import { formatProblem, SealiftError, type Problem } from "../../modules/core/errors.ts";
import { compose } from "../../modules/core/site/layers/compose.ts";
import { locate } from "../../modules/core/document/locate.ts";
import { schemaOf, schemaProblems } from "../../modules/core/site/schema.ts";
import { subject } from "../../modules/core/shown.ts";
import { completeSite } from "../../modules/core/site/site.ts";
import type { Site } from "../../modules/core/site/site-spec.ts";
import { planText, type Phase } from "../../modules/core/host/step.ts";
import { gatePhase } from "../../modules/rollout/gate.ts";
import { phasesOf } from "../../modules/rollout/phases.ts";
import { exampleArchive, exampleFacts, exampleFiles } from "../support/fixtures/example-host.ts";
import { documentWith, type SchemaPlace, schemaPlaces } from "../support/fixtures/schema-places.ts";

/** What no plan could carry. */
const uncarried: readonly string[] = [
  ...["a\nb", "a\n", "a\tb", "a\rb", "\u0000", "a\u0007", "\u001b[31ma", "a\u007f", "a\u0085b", "a\u009bb"],
  ...["a\u2028b", "a\u2029", "\ud800", "a\udfffb"],
];
/** What a plan carries, and what a shell, an option, a template or a format would make something else of. */
const carried: readonly string[] = [
  ...[
    "$(touch /tmp/x)",
    "`id`",
    "a'b",
    `a"b`,
    "a\\b",
    "a\\",
    "a;b",
    "a b",
    "  a  ",
    "a&b|c>d<e",
    "*",
    "~",
    "#a",
    "!a",
  ],
  ...[
    "-rf",
    "--",
    "--config=/etc/shadow",
    "%s%n",
    "%h",
    "$HOME",
    "${IFS}",
    "a=b",
    "=a",
    "grün 你好 🚢",
    "e\u0301",
    "\u202ea",
  ],
  ...["SEALIFT_PLAN", "end", "'\\''", "{{.Label}}", "a/../b", "[a-z]?", "null", "0x10", "1e3"],
];

/** Names that rules across keys take where the schema takes any. */
const names: Readonly<Record<string, string>> = {
  "daemon.log-opts": "tag",
  "daemon.default-network-opts": "bridge",
  "daemon.default-network-opts.bridge": "com.docker.network.driver.mtu",
  "daemon.default-ulimits": "nofile",
  "daemon.runtimes": "other",
};
const nameFor = (path: SchemaPlace["path"]): string =>
  names[subject(path).replace(/^(hosts\[0\]|classes\.one|shared\.site|shared\.classes\.one)\./, "")] ?? "one";

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1Ab";
/** A site with something of everything; where a key needs others beside it, they are here. */
const base = {
  bundle: { directory: "/media/bundle", allowedSigners: "stacks/allowed_signers" },
  engine: { version: "28.5.2" },
  users: [{ name: "deploy", uid: 1500, authorizedKeys: [`${hostKey} deploy`], sudo: ["/usr/bin/id -u"] }],
  volumes: {
    disks: [{ id: "/dev/disk/by-id/scsi-1" }],
    logicalVolumes: [{ name: "data", size: "20GiB", mount: "/data" }],
  },
  daemon: {
    "data-root": "/data/docker",
    "log-driver": "json-file",
    "log-opts": { "max-size": "20m" },
    runtimes: {
      other: { runtimeType: "io.containerd.runc.v2", options: { Root: "x" } },
    },
    builder: { gc: { enabled: true, policy: [{ all: true, filter: ["unused-for=1h"] }] } },
  },
  rollout: { gate: "true" },
  hosts: [{ name: "node-a", address: "10.0.0.1", sshUser: "ops", hostKey }],
};

/** A class counts where a host is of it, and what a runtime may have hangs on how it is started. */
function baseFor({ path }: SchemaPlace): unknown {
  const other = { path: "/opt/other" };
  const byPath = path.includes("runtimeArgs")
    ? { ...base, daemon: { ...base.daemon, runtimes: { other } } }
    : base;
  return path[0] === "classes" ? { ...byPath, hosts: [{ ...base.hosts[0], class: "one" }] } : byPath;
}

/** What a host or a class may say is what the site may say, by the same part of the schema. */
function isRepeated({ path }: SchemaPlace): boolean {
  return path.length > 2 && (path[0] === "classes" || path[0] === "hosts");
}

/** Some of a list, others for each index, so that all have their turn. */
function turns(list: readonly string[], index: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, step) => list[(index + 7 * step) % list.length] ?? "");
}

const schema = schemaOf("site");
const places = schemaPlaces(schema, nameFor);

/** A document, and its site or what is wrong with it. @param write as a person writes it, or as JSON, which is YAML too and written ten times as fast. */
function read(
  value: unknown,
  write: (value: unknown) => string = stringify,
): {
  readonly lines: number;
  readonly site?: Site;
  readonly problems: readonly Problem[];
} {
  const text = write(value);
  const lines = text.split("\n").length;
  // Most documents pass: the text is searched only for the wrong value.
  let place: ReturnType<typeof locate> | undefined;
  const lazy: ReturnType<typeof locate> = (path, key) => (place ??= locate("site.yaml", text, []))(path, key);
  try {
    return { lines, site: completeSite(compose(value, "site.yaml", [text], lazy)), problems: [] };
  } catch (error) {
    if (!(error instanceof SealiftError)) throw error;
    return { lines, problems: error.problems };
  }
}

function asJson(value: unknown): string {
  return JSON.stringify(value, undefined, 1);
}

function assertReported(problems: readonly Problem[], lines: number, what: string): void {
  assert.ok(problems.length > 0, what);
  for (const problem of problems) {
    const message = formatProblem(problem);
    const [, line] = /^site\.yaml:(\d+):\d+$/.exec(problem.where) ?? [];
    assert.ok(line !== undefined && Number(line) <= lines, `${what}: ${message}`);
    assert.doesNotMatch(message, /[\p{Cc}\p{Zl}\p{Zp}]/u, what);
  }
}

const label = ({ path, kind }: SchemaPlace, text: string): string =>
  `${kind} ${subject(path)}: ${JSON.stringify(text)}`;

test("the walk finds every kind of place", () => {
  assert.ok(places.length > 500, String(places.length));
  for (const one of [
    "rollout.gate",
    "daemon.runtimes.other.options.one",
    "hosts[0].users[0].sudo[0]",
    "classes.one.daemon.log-opts.tag",
  ])
    assert.ok(
      places.some(({ path }) => subject(path) === one),
      one,
    );
});

test("what no plan can carry is refused with line and column, wherever it is, names included", () => {
  for (const [index, place] of places.entries())
    for (const text of turns(uncarried, index, isRepeated(place) ? 1 : 2)) {
      const { problems, lines } = read(documentWith(schema, baseFor(place), place, text));
      const what = label(place, text);
      assertReported(problems, lines, what);
      const about = subject(place.kind === "key" ? [...place.path, text] : place.path);
      assert.ok(
        problems.some((one) => one.subject === about),
        `${what}: ${problems.map(formatProblem).join("\n")}`,
      );
    }
  for (const text of uncarried) assertReported(read({ ...base, rollout: { gate: text } }).problems, 99, text);
});

test("the same holds for what environments share", () => {
  const shared = schemaOf("shared");
  for (const place of schemaPlaces(shared, nameFor))
    for (const text of ["a\nb", "a\u009b"]) {
      const value = documentWith(shared, {}, place, text);
      const yaml = stringify(value);
      assertReported(
        schemaProblems(value, locate("site.yaml", yaml, []), "shared"),
        yaml.split("\n").length,
        label(place, text),
      );
    }
});

test("everything else is refused with line and column, or is in every plan as it was written", () => {
  const cases: { readonly what: string; readonly plan: string; readonly words: readonly string[] }[] = [];
  const passed = new Set<string>();
  const tryOut = (place: SchemaPlace, text: string): boolean => {
    const { site, problems, lines } = read(documentWith(schema, baseFor(place), place, text), asJson);
    const what = label(place, text);
    if (site === undefined) assertReported(problems, lines, what);
    else
      for (const [host, phase] of phases(site))
        cases.push({ what, plan: planText(host, phase, { serial: 1 }), words: wordsOf(host, phase) });
    return site !== undefined;
  };
  for (const [index, place] of places.entries()) {
    // All of them where any text is taken; of the others each place has some, and all have their turn.
    const some = turns(carried, index, isRepeated(place) ? 1 : 3);
    const takesAny = tryOut(place, "a b$(c)'");
    if (takesAny) passed.add(`${place.kind} ${subject(place.path)}`);
    for (const text of takesAny ? carried : some) tryOut(place, text);
  }
  // Where nothing but a hostile text came through, this test would say nothing.
  for (const free of [
    "value rollout.gate",
    "value daemon.runtimes.other.runtimeArgs[0]",
    "value daemon.runtimes.other.options.one",
  ])
    assert.ok(passed.has(free), `${free} is not among\n${[...passed].join("\n")}`);
  const script =
    "phase() { printf '%s\\0' phase \"$@\"; }\nstep() { printf '%s\\0' step \"$@\"; }\nend() { printf 'end\\0'; }\n";
  const ran = spawnSync("sh", ["-s"], {
    input: `${script}${cases.map(({ plan }) => plan).join("")}`,
    maxBuffer: 2 ** 30,
    env: { LC_ALL: "C" },
  });
  assert.equal(ran.status, 0, ran.stderr.toString());
  const arrived = ran.stdout;
  let at = 0;
  for (const { what, words } of cases) {
    const expected = Buffer.from(words.map((word) => `${word}\0`).join(""));
    assert.ok(arrived.subarray(at, at + expected.length).equals(expected), what);
    at += expected.length;
  }
  assert.equal(at, arrived.length);
});

/** Plans that the site's texts go into; the same plan of many cases is of no use. */
const seen = new Set<string>();
function phases({ hosts, rollout }: Site): readonly [host: string, Phase][] {
  const all = hosts.flatMap((host) => {
    const files =
      host.registry?.serves === undefined ? exampleFiles : { ...exampleFiles, registry: exampleArchive };
    const made: readonly Phase[] = Object.values(phasesOf(host, files, exampleFacts));
    return made.map((phase): [string, Phase] => [host.name, phase]);
  });
  const gate: [string, Phase][] = rollout.gate === undefined ? [] : [["node-a", gatePhase(rollout.gate)]];
  return [...all, ...gate].filter(([host, phase]) => {
    const key = JSON.stringify([host, phase]);
    return !seen.has(key) && seen.add(key);
  });
}

/** What a plan says, without any quoting. */
function wordsOf(host: string, { name, steps }: Phase): readonly string[] {
  return [
    ...["phase", host, name, "1"],
    ...steps.flatMap(({ code, fact, effect, call }) => ["step", code, fact, effect, ...call]),
    "end",
  ];
}

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { daemonEntries } from "../../modules/daemon/steps.ts";
import { library } from "../support/fixtures/example-host.ts";
import schema from "../../stacks/site.schema.json" with { type: "json" };

interface Key {
  readonly apply: "reload" | "restart";
  readonly description: string;
  readonly since?: string;
}
const keys = Object.entries(schema.$defs.daemon.properties as unknown as Readonly<Record<string, Key>>);

/** A list of keys in modules/daemon/change-impact.sh. */
function shellList(name: string): string[] {
  const [, text = ""] = new RegExp(`^${name}="([^"]*)"`, "m").exec(library.text) ?? [];
  return text.replaceAll("\\\n", "").split(" ").toSorted();
}

test("the keys that the shell reloads are those that a reload applies according to the schema", () => {
  const documented = keys.filter(([, { apply }]) => apply === "reload").map(([key]) => key);
  assert.deepEqual(shellList("DAEMON_RELOADABLE"), documented.toSorted());
});

test("the keys that the shell stops containers for are those of the schema", () => {
  const documented = keys.filter(([, { description }]) => /containers stop/.test(description));
  const pools = "default-address-pools";
  assert.deepEqual(
    [...shellList("DAEMON_BRIDGE"), pools].toSorted(),
    documented.map(([key]) => key).toSorted(),
  );
});

/** What daemon_change says when the daemon has read the first and is to have the second. */
function change(
  loaded: Readonly<Record<string, unknown>>,
  expected: Readonly<Record<string, unknown>>,
): string {
  const text = (daemon: object): string =>
    daemonEntries({ "data-root": "/data", ...daemon })
      .map((entry) => `'${entry}'`)
      .join(" ");
  const script = [
    library.text.replace(/^umask[^]*?^run\(\)/m, "run()").replace(/\nmain "\$@"\n?$|\ncase "\$1"[^]*$/, "\n"),
    "DAEMON_LOADED=$(mktemp)",
    `daemon_json_text ${text(loaded)} >"$DAEMON_LOADED"`,
    `daemon_change "$(daemon_json_text ${text(expected)})"`,
    'rm "$DAEMON_LOADED"',
  ].join("\n");
  return execFileSync("sh", ["-s"], { input: script, encoding: "utf8" }).trim();
}

const changes: readonly [what: string, loaded: object, expected: object, effect: string][] = [
  ["the same", { debug: true, labels: ["a=1"] }, { labels: ["a=1"], debug: true }, "none"],
  ["a reloadable key more", {}, { debug: true }, "reload"],
  ["a reloadable key with another value", { "shutdown-timeout": 15 }, { "shutdown-timeout": 20 }, "reload"],
  ["a reloadable key less, which the daemon would keep", { labels: ["a=1"] }, {}, "restart"],
  ["a reloadable key less, which a reload sets back", { "max-concurrent-downloads": 6 }, {}, "reload"],
  [
    "a key less behind which the last comma moves",
    { zz: 1, "log-level": "info" },
    { "log-level": "info" },
    "restart",
  ],
  ["a key that is read at the start only", { "log-level": "info" }, { "log-level": "warn" }, "restart"],
  ["both kinds", { debug: true }, { "log-level": "warn", debug: false }, "restart"],
  ["docker0's address", {}, { bip: "10.201.0.1/24" }, "containers-stop"],
  ["docker0's address no longer", { bip: "10.201.0.1/24" }, {}, "containers-stop"],
  [
    "pools that docker0 comes from",
    {},
    { "default-address-pools": [{ base: "10.9.0.0/16", size: 24 }] },
    "containers-stop",
  ],
  [
    "pools beside an address of its own",
    { bip: "10.8.0.1/24" },
    { bip: "10.8.0.1/24", "default-address-pools": [{ base: "10.9.0.0/16", size: 24 }] },
    "restart",
  ],
  ["a plugin that is asked", {}, { "authorization-plugins": ["opa"] }, "restart"],
];
for (const [what, loaded, expected, effect] of changes) {
  test(`a change of daemon.json, ${what}: ${effect}`, () => {
    assert.equal(
      change(loaded as Readonly<Record<string, unknown>>, expected as Readonly<Record<string, unknown>>),
      effect,
    );
  });
}

/** UPDATE_DOCS=1 writes the table again. */
test("the table of effects in the README is that of the schema", () => {
  const file = new URL("../../modules/daemon/README.md", import.meta.url);
  const marker = /(<!-- effects -->\n)[^]*?(<!-- \/effects -->)/;
  const rows = keys.map(([key, { apply, description, since }]) => {
    const effect = /containers stop/.test(description) ? "restart, containers stop" : apply;
    const engines = since === undefined ? "" : `from ${since}`;
    return [`\`${key}\``, effect, engines];
  });
  const widths = [0, 1, 2].map((column) => Math.max(7, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |\n`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |\n`;
  const table = line(["key", "applied by", "engines"]) + rule + rows.map(line).join("");
  const text = readFileSync(file, "utf8");
  const expected = text.replace(marker, (_all, head: string, tail: string) => `${head}\n${table}\n${tail}`);
  if (process.env["UPDATE_DOCS"] === "1") writeFileSync(file, expected);
  assert.match(text, marker);
  assert.equal(readFileSync(file, "utf8"), expected);
});

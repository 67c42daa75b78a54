import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { format, resolveConfig } from "prettier";
import type { SwarmSpec } from "../../modules/core/site/swarm.ts";
import { groups } from "../../modules/preflight/check.ts";
import { checks, checkOf } from "../../modules/preflight/checks.ts";
import { preflightSteps } from "../../modules/preflight/steps.ts";
import { exampleArchive, exampleHost } from "../support/fixtures/example-host.ts";

const exampleSwarm: SwarmSpec = {
  ...{ name: "plant-1", self: "node-a", members: [], dataPathPort: 4789, certificateExpiry: "8760h" },
  addressPool: { base: "172.29.0.0/16", size: 24 },
  ingress: { subnet: "172.28.0.0/24", mtu: 1500 },
  networks: [],
  removed: [],
};

const readme = new URL("../../modules/preflight/README.md", import.meta.url);

/** UPDATE_GOLDEN=1 writes the table again. */
test("the README shows every check as the code has it", async () => {
  const rows = Object.entries(checks).map(([name, { level, error, examines, fix }]) =>
    [`\`${name}\``, level, `\`${error}\``, examines, fix]
      .map((cell) => cell.replaceAll("|", "\\|"))
      .join(" | "),
  );
  const lines = ["check | level | code | what it checks | fix", "--- | --- | --- | --- | ---", ...rows];
  const table = lines.map((line) => `| ${line} |`).join("\n");
  const text = readFileSync(readme, "utf8");
  const marked = text.replace(
    /<!-- checks -->[^]*<!-- \/checks -->/,
    () => `<!-- checks -->\n\n${table}\n\n<!-- /checks -->`,
  );
  const options = await resolveConfig(readme);
  const expected = await format(marked, { ...options, parser: "markdown" });
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(readme, expected);
  assert.equal(readFileSync(readme, "utf8"), expected);
});

test("every step has its row, in the same order, and every row its step", () => {
  const host = exampleHost();
  const daemons = [
    host.daemon,
    { ...host.daemon, "default-address-pools": [{ base: "10.201.0.0/16", size: 24 }], bridge: "br0" },
  ];
  const codes = daemons.flatMap((daemon) =>
    preflightSteps({ ...host, daemon, swarm: exampleSwarm }, exampleArchive, 0).map(
      ({ code }) => code.split(".")[1],
    ),
  );
  assert.deepEqual(new Set(codes), new Set(Object.keys(checks)));
  const [first = []] = daemons.map((daemon) =>
    preflightSteps({ ...host, daemon, swarm: exampleSwarm }, exampleArchive, 0),
  );
  const order = Object.keys(checks);
  const places = first.map(({ code }) => order.indexOf(code.split(".")[1] ?? ""));
  assert.deepEqual(
    places,
    places.toSorted((left, right) => left - right),
  );
});

test("checks of a group are adjacent, in the order of the groups", () => {
  const listed = Object.keys(checks).map((name) =>
    groups.indexOf(checkOf(`preflight.${name}`)?.group ?? assert.fail(name)),
  );
  assert.deepEqual(
    listed,
    listed.toSorted((left, right) => left - right),
  );
});

test("address pools: the site's replace the engine's, a bridge of its own does not", () => {
  const host = exampleHost();
  const arguments_ = (more: Record<string, unknown>, code: string): readonly string[] =>
    preflightSteps({ ...host, daemon: { ...host.daemon, ...more } }, exampleArchive, 0)
      .find((step) => step.code === `preflight.${code}`)
      ?.call.slice(1) ?? ["no such step"];
  const pools = {
    "default-address-pools": [
      { base: "10.201.0.0/16", size: 24 },
      { base: "fd00::/64", size: 96 },
    ],
  };
  const bridge = { bip: "10.9.0.1/24" };
  assert.deepEqual(arguments_(pools, "pools"), ["10.201.0.0/16"]);
  assert.deepEqual(arguments_(pools, "pools-builtin"), ["no such step"]);
  assert.deepEqual(arguments_({ ...pools, ...bridge }, "ssh-path"), ["10.201.0.0/16", "10.9.0.1/24"]);
  assert.deepEqual(arguments_(bridge, "pools"), ["10.9.0.1/24"]);
  assert.equal(arguments_(bridge, "ssh-path").length, 8);
  assert.deepEqual(arguments_({}, "pools"), ["no such step"]);
});

test("daemon.json decides what is checked of MTU and name servers", () => {
  const host = exampleHost();
  const steps = preflightSteps(
    { ...host, daemon: { ...host.daemon, mtu: 1400, dns: ["10.20.0.2"] } },
    exampleArchive,
    0,
  );
  assert.deepEqual(steps.find(({ code }) => code === "preflight.mtu")?.call, ["mtu", "1400"]);
  assert.ok(!steps.some(({ code }) => code === "preflight.resolver"));
});

test("without a bundle no free space is required for an engine", () => {
  const [space] = preflightSteps(exampleHost(), undefined, 0).filter(
    ({ code }) => code === "preflight.space",
  );
  assert.deepEqual(space?.call, ["space", "64:/tmp:-", "16:/etc:-"]);
});

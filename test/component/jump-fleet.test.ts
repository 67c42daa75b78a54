/** The whole program on hosts behind a jump host: the real CLI, the command plugin, real sshd, simulated facts. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { connectionsOf, startFleet, type SimulatedFleet } from "../bench/simulated-fleet.ts";
import { useTools } from "../lab/tools/ensure-tools.ts";
import { undoAfter } from "../support/process/undo.ts";

let fleet: SimulatedFleet;
const undo = undoAfter();
before(async () => {
  await useTools();
  fleet = await startFleet(2, { jump: true });
  undo(() => fleet.end());
});

const pulumi = async (...args: string[]): Promise<string> => {
  const { exitCode, output } = await fleet.pulumi(args);
  assert.equal(exitCode, 0, output);
  return output;
};

/** Connections so far: at the jump host, and at all hosts behind it. */
function counted(): { front: number; hosts: number } {
  assert.ok(fleet.front);
  const hosts = fleet.hosts.reduce((sum, host) => sum + connectionsOf(host), 0);
  return { front: connectionsOf(fleet.front), hosts };
}

test("probes, copies and commands go through the jump host, each with one login there; then nothing is left to do", async () => {
  const before = counted();
  await pulumi("up", "--yes", "--skip-preview");
  const first = counted();
  assert.ok(first.hosts - before.hosts > 2 * fleet.hosts.length, "a look, copies and commands");
  assert.equal(first.front - before.front, first.hosts - before.hosts);
  await pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
  assert.deepEqual(counted(), {
    front: first.front + fleet.hosts.length,
    hosts: first.hosts + fleet.hosts.length,
  });
});

test("its outputs for other stacks are present, without a warning about keys that it does not have", async () => {
  const [host] = fleet.hosts;
  assert.ok(host);
  const outputs = JSON.parse(await pulumi("stack", "output", "--json")) as {
    hosts: Record<string, { port: number; contexts: Record<string, string> }>;
  };
  assert.deepEqual(Object.keys(outputs), ["hosts"]);
  assert.deepEqual(Object.keys(outputs.hosts), ["sim-1", "sim-2"]);
  assert.deepEqual(outputs.hosts["sim-1"]?.contexts, { deploy: `ssh://deploy@127.0.0.1:${host.port}` });
  // But one: nobody has accepted the lab's bundle.
  assert.doesNotMatch(await pulumi("preview"), /warning: (?!.*E_BUNDLE_SERIAL accepted bundles)/);
});

test("a preview of a repair shows the fact, and no change of outputs, because the repair restores them", async () => {
  const facts = join(fleet.hosts[0]?.home ?? "", "facts");
  const [first = "", ...others] = readFileSync(facts, "utf8").split("\n");
  writeFileSync(facts, others.join("\n"));
  const output = await pulumi("preview");
  assert.ok(output.includes("; expected: "), `${first}\n${output}`);
  assert.doesNotMatch(output, /^Outputs:/m);
});

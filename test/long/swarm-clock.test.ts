/**
 * A swarm that was switched off for 100 days, on two virtual machines with a clock of their own: node certificates of the engine's default have
 * expired by then, those of Sealift's default have not.
 */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { clusterSteps } from "../../modules/swarm/cluster-steps.ts";
import { swarmDefaults } from "../../modules/core/site/swarm.ts";
import { vm } from "../lab/machine-choice.ts";
import { applied, joinByFacts, notWell, specOf } from "../support/guests/swarm-by-facts.ts";
import { startNodes, type Nodes, type SwarmNode } from "../support/guests/swarm-in-guests.ts";
import { undoAfter } from "../support/process/undo.ts";

const days = 24 * 60 * 60;
let started: Nodes;
let a: SwarmNode;
let b: SwarmNode;
let ahead = 0;
const undo = undoAfter();

before(async () => {
  started = await startNodes("clock", ["node-a", "node-b"], { machine: vm("clock") });
  undo(() => started.end());
  const [first, second] = started.nodes;
  assert.ok(first && second);
  [a, b] = [first, second];
});

/** Both are off; later both are switched on, and their clocks have gone on. */
async function offFor(seconds: number): Promise<void> {
  const both = [a, b];
  for (const { engine } of both) await engine.on.root("systemctl stop docker.socket docker && sync");
  for (const { engine } of both) await engine.on.powerOff();
  ahead += seconds;
  await Promise.all(
    both.map(({ engine }) =>
      started.segment.restart(engine.on.guest.name, ahead).then(engine.on.startedAgain),
    ),
  );
  for (const { engine } of both)
    await engine.on.root("timeout 300 sh -c 'until docker info >/dev/null 2>&1; do sleep 1; done'");
}

const validUntil = async ({ engine }: SwarmNode): Promise<number> => {
  const text = await engine.on.root(
    "openssl x509 -noout -enddate -in /docker/swarm/certificates/swarm-node.crt",
  );
  return Date.parse(text.trim().replace("notAfter=", ""));
};
const inDays = (until: number): number => (until - Date.now()) / 1000 / days - ahead / days;

describe("a swarm that is off for 100 days", () => {
  test("with the engine's default, 90 days, no member can take part any more, and Sealift says so", async (context) => {
    await a.engine.docker(`swarm init --advertise-addr ${a.address} --listen-addr ${a.address}:2377`);
    const token = (await a.engine.docker("swarm join-token --quiet worker")).trim();
    await b.engine.docker(`swarm join --token ${token} --advertise-addr ${b.address} ${a.address}:2377`);
    assert.ok(inDays(await validUntil(a)) < 91);
    await offFor(100 * days);
    for (const { engine } of [a, b]) {
      const info = await engine.docker("info --format '{{.Swarm.LocalNodeState}} {{.Swarm.Error}}'");
      context.diagnostic(info.trim());
      assert.match(info, /^error .*expired/);
    }
    const spec = specOf([a, b]);
    const { exitCode, output } = await a.engine.on.call(
      ...([
        "guard_swarm_created",
        "/docker",
        "plant-1",
        a.address,
        "172.29.0.0/16",
        "24",
        "4789",
        "8760h",
      ] as const),
    );
    context.diagnostic(output);
    assert.equal(exitCode, 1);
    assert.match(output, /^E_SWARM_MEMBER the host cannot take part in its swarm: .* not valid after /);
    assert.equal(spec.certificateExpiry, swarmDefaults.certificateExpiry);
    for (const { engine } of [a, b]) await engine.docker("swarm leave --force");
  });

  test("with Sealift's default, 365 days, both are members again by themselves, and nothing differs", async (context) => {
    const spec = specOf([a, b]);
    await joinByFacts([a, b], spec);
    await applied(a, clusterSteps(spec));
    for (const node of [a, b]) assert.ok(inDays(await validUntil(node)) > 300);
    const off = Date.now();
    await offFor(100 * days);
    await a.engine.on.root(
      'timeout 300 sh -c \'until [ $(docker node ls --format "{{.Status}} {{.ManagerStatus}}" 2>/dev/null | grep -cE "^Ready (Leader|Reachable)") = 2 ]; do sleep 1; done\'',
    );
    context.diagnostic(`${((Date.now() - off) / 1000).toFixed(0)} s until both were back, with power-on`);
    for (const node of [a, b]) {
      const { steps, text } = await node.engine.on.run("check", clusterSteps({ ...spec, self: node.host }));
      assert.ok(steps.length > 0, text);
      assert.deepEqual(notWell(steps), []);
    }
  });
});

/** A manager of a swarm whose engine a run restarts: its tasks are elsewhere before, and it takes tasks again afterwards. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { quote } from "../../modules/core/quote.ts";
import type { StepReport } from "../../modules/core/host/report.ts";
import type { SwarmSpec } from "../../modules/core/site/swarm.ts";
import { memberSteps } from "../../modules/swarm/steps.ts";
import { loadImage } from "../support/guests/engine-in-guest.ts";
import { startSwarm, type SwarmInGuests, type SwarmNode } from "../support/guests/swarm-in-guests.ts";
import { undoAfter } from "../support/process/undo.ts";

const note = "/var/lib/sealift/swarm-drained";
let swarm: SwarmInGuests;
let a: SwarmNode, b: SwarmNode, c: SwarmNode;
const undo = undoAfter();
before(async () => {
  swarm = await startSwarm("swarm-drain", ["--default-addr-pool", "172.29.0.0/16"]);
  undo(() => swarm.end());
  [a, b, c] = swarm.nodes;
  const [image = ""] = await Promise.all(swarm.nodes.map(({ engine }) => loadImage(engine)));
  for (const node of [b, c]) await a.engine.docker(`node promote ${await idOf(node)}`);
  await a.engine.docker("config create --label io.sealift.swarm=plant-1 sealift-swarm /etc/hostname");
  await a.engine.docker(
    `service create --quiet --detach=false --no-resolve-image --stop-grace-period 2s --replicas 3 --name shop ${quote(image)} sleep 1000`,
  );
});

const idOf = async ({ engine }: SwarmNode): Promise<string> =>
  (await engine.docker("info --format '{{.Swarm.NodeID}}'")).trim();
const availability = async (node: SwarmNode): Promise<string> =>
  (await a.engine.docker(`node inspect --format '{{.Spec.Availability}}' ${await idOf(node)}`)).trim();
const drains = async ({ engine }: SwarmNode): Promise<void> => {
  const { exitCode, output } = await engine.on.call("drain_own_node");
  assert.equal(exitCode, 0, output);
};
const replicas = async (): Promise<string> =>
  (await a.engine.docker("service ls --format '{{.Replicas}}'")).trim();
/** Tasks that run on a node, as the swarm sees it. */
const tasksOn = async (node: SwarmNode): Promise<number> => {
  const words = `node ps --filter desired-state=running --format '{{.CurrentState}}' ${await idOf(node)}`;
  return (await a.engine.docker(words)).split("\n").filter((line) => line.startsWith("Running")).length;
};

/** What a function prints that fails once it has waited for a shorter time than a run would. */
const within = ({ engine }: SwarmNode, time: string, call: string): Promise<string> =>
  engine.on.root(`. /run/sealift-library.sh; set -u; ${time}; ! ${call}`);

function site(self: string): SwarmSpec {
  return {
    ...{ name: "plant-1", self, removed: [], networks: [] },
    members: swarm.nodes.map(({ host, address }) => ({
      ...{ host, address, role: "manager", availability: "active", labels: {} },
    })),
    addressPool: { base: "172.29.0.0/16", size: 24 },
    ingress: { mtu: 1500 },
    ...{ dataPathPort: 4789, certificateExpiry: "2160h" },
  };
}

/** The fact about tasks that a run has moved. */
async function tasks(node: SwarmNode, mode: "check" | "apply"): Promise<StepReport> {
  const steps = memberSteps(site(node.host), { inviting: "node-a", ca: undefined }, "/docker");
  const { steps: reported, text } = await node.engine.on.run(
    mode,
    steps.filter(({ code }) => code === "swarm.tasks"),
  );
  const [first] = reported;
  assert.ok(first, text);
  return first;
}

/** What dockerd has logged on a node about the ends of containers, and of itself, in order. */
const ends = async ({ engine }: SwarmNode, since: string): Promise<readonly string[]> =>
  (
    await engine.on.root(
      `journalctl -u docker -o cat --since @${since} | grep -oE 'topic=/tasks/delete|Processing signal' || true`,
    )
  )
    .trim()
    .split("\n");

describe("a manager whose engine is restarted", () => {
  test("is drained before the engine stops, and its tasks run elsewhere; then it is active again", async () => {
    assert.deepEqual(await Promise.all(swarm.nodes.map(tasksOn)), [1, 1, 1]);
    const since = (await b.engine.on.root("date +%s")).trim();
    const steps = b.engine.daemon({ "live-restore": false, "no-new-privileges": true });
    // This host is none of a site with a swarm, whose ports would be expected.
    const own = steps.filter(({ code }) => code !== "daemon.listeners");
    const { revision, text } = await b.engine.on.run("apply", own);
    assert.ok(revision, text);
    // Its task has ended before the engine was told to.
    assert.deepEqual(await ends(b, since), ["topic=/tasks/delete", "Processing signal"]);
    // The engine passes them on some moments later.
    const events = await a.engine.on.root(
      `timeout 10 docker events --since ${since} --filter type=node --filter node=${await idOf(b)} --format '{{json .Actor.Attributes}}' || true`,
    );
    assert.deepEqual(
      [...events.matchAll(/"availability\.new":"(\w+)"/g)].map(([, word]) => word),
      ["drain", "active"],
    );
    assert.equal(await replicas(), "3/3");
    assert.equal(await tasksOn(b), 0);
    assert.equal(await availability(b), "active");
    await b.engine.on.root(`test ! -e ${note}`);
    assert.equal((await tasks(b, "check")).status, "ok");
  });

  test("a run that was cut after it had drained goes on, and makes the node active", async () => {
    await drains(c);
    assert.equal(await availability(c), "drain");
    const { found } = await tasks(c, "check");
    assert.match(found, /^the node was drained before its engine was stopped/);
    // The next run.
    await drains(c);
    assert.equal((await tasks(c, "apply")).status, "changed");
    assert.equal(await availability(c), "active");
    assert.equal(await replicas(), "3/3");
  });

  test("without tasks it is not drained, and one that a person has drained stays so", async () => {
    assert.equal(await tasksOn(c), 0);
    await drains(c);
    assert.equal(await availability(c), "active");
    await a.engine.docker(`node update --availability drain ${await idOf(c)}`);
    await drains(c);
    assert.equal((await tasks(c, "check")).status, "ok");
    await a.engine.docker(`node update --availability active ${await idOf(c)}`);
  });

  test("where no other node takes tasks, there is nothing to drain for", async () => {
    for (const node of [b, c]) await a.engine.docker(`node update --availability drain ${await idOf(node)}`);
    await drains(a);
    assert.equal(await availability(a), "active");
    await a.engine.on.root(`test ! -e ${note}`);
    for (const node of [b, c]) await a.engine.docker(`node update --availability active ${await idOf(node)}`);
    // The tasks that this has moved have ended there, and run elsewhere.
    for (const { engine } of [b, c])
      await engine.on.root("timeout 60 sh -c 'while docker ps -q | grep -q .; do sleep 1; done'");
    await a.engine.on.root(
      "timeout 60 sh -c 'until docker service ls --format {{.Replicas}} | grep -q ^3/3; do sleep 1; done'",
    );
  });

  test("the gate hears of the managers, and of a service that has too few replicas", async () => {
    const { output } = await a.engine.on.call("value_swarm_replicas");
    assert.equal(output, "3/3");
    await a.engine.docker(
      "service create --quiet --detach --no-resolve-image --name waits --constraint node.labels.none==here registry.invalid/none:1",
    );
    assert.equal((await a.engine.on.call("value_swarm_replicas")).output, "3/3 waits=0/1");
    await a.engine.docker("service rm waits");
  });

  test("a service that does not get its replicas back is named", async () => {
    await a.engine.docker(
      "service create --quiet --detach --no-resolve-image --name broken --constraint node.labels.none==here registry.invalid/none:1",
    );
    await a.engine.on.root(`touch ${note}`);
    assert.match(
      await within(a, "DRAIN_RETURN_SEC=3", "drain_return"),
      /^E_SWARM_NODE 3 s after the engine is back, broken has 0 of 1 replicas; fix: /,
    );
    // The next run is not kept from deploying what repairs it.
    assert.equal((await tasks(a, "check")).status, "ok");
    await a.engine.docker("service rm broken");
  });

  test("while another manager is down, its engine is not stopped", async () => {
    await c.engine.on.root("systemctl stop docker.socket docker");
    await a.engine.on.root(
      "timeout 90 sh -c 'until docker node ls --format {{.ManagerStatus}} | grep -q Unreachable; do sleep 1; done'",
    );
    assert.match(
      await within(b, "DRAIN_WAIT_SEC=3", "drain_own_node"),
      /^E_SWARM_QUORUM 2 of 3 managers are reachable: without this one the swarm would lose its quorum; fix: /,
    );
    assert.equal(await availability(b), "active");
  });
});

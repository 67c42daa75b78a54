/**
 * Three managers on virtual machines, of which one loses its power while it joins, while another is promoted, and while an application is
 * deployed: the others keep the quorum, and what is done next goes on. Facts of Sealift alone, without Pulumi in between.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { before, describe, test } from "node:test";
import type { HostApp } from "../../modules/core/host/blob.ts";
import type { SwarmSpec } from "../../modules/core/site/swarm.ts";
import { clusterSteps } from "../../modules/swarm/cluster-steps.ts";
import { stacksPhase } from "../../modules/swarm/stacks-steps.ts";
import { invitationIn, memberSteps, withInvitation } from "../../modules/swarm/steps.ts";
import { vm } from "../lab/machine-choice.ts";
import { exampleHost } from "../support/fixtures/example-host.ts";
import { dataRoot, loadImage } from "../support/guests/engine-in-guest.ts";
import { applied, notWell, specOf } from "../support/guests/swarm-by-facts.ts";
import { startNodes, type Nodes, type SwarmNode } from "../support/guests/swarm-in-guests.ts";
import { startWitness, type Witness } from "../support/guests/witness.ts";
import { undoAfter } from "../support/process/undo.ts";

let started: Nodes;
/** The segment's own switch is in node-a, which therefore keeps its power. */
let [a, b, c]: readonly SwarmNode[] = [];
let spec: SwarmSpec;
let app: HostApp;
let witness: Witness;
const undo = undoAfter();

before(async () => {
  started = await startNodes("power", ["node-a", "node-b", "node-c"], {
    machine: vm("power"),
    entries: { "storage-driver": "overlayfs", features: { "containerd-snapshotter": true } },
  });
  undo(() => started.end());
  [a, b, c] = started.nodes;
  witness = await startWitness(node(a).engine.on.guest);
  spec = specOf([node(b), node(c), node(a)]);
  const [image = ""] = await Promise.all(started.nodes.map(({ engine }) => loadImage(engine)));
  app = await appOf(image);
});

function node(one: SwarmNode | undefined): SwarmNode {
  assert.ok(one);
  return one;
}

const of = ({ host }: SwarmNode): SwarmSpec => ({ ...spec, self: host });

async function appOf(image: string): Promise<HostApp> {
  const id = (await node(a).engine.docker(`image inspect --format '{{.Id}}' ${image}`)).trim();
  const deploy = { mode: "replicated", endpoint_mode: "vip", restart_policy: { condition: "any" } };
  const web = { stop_grace_period: "0s", deploy, entrypoint: ["sh", "-c", "sleep 100000"] };
  const service = { image, config: "c1".repeat(8), mounts: [], replicas: 3 };
  return {
    name: "shop",
    archive: {
      version: "1.0.0",
      sha256: createHash("sha256").digest("hex"),
      bytes: 0,
      path: "x",
      members: [],
    },
    images: [{ name: image, sha256: id.replace("sha256:", "") }],
    project: {
      file: "compose.yaml",
      stack: { services: { web, api: web } },
      services: ["api", "web"].map((name) => ({ name, ...service })),
    },
  };
}

function stackSteps(one: SwarmNode): ReturnType<typeof clusterSteps> {
  const stack = {
    name: "shop",
    version: "1.0.0",
    keep: 1,
    values: {},
    update: { timeout: 600, monitor: "5s" },
  };
  const host = { ...exampleHost(), name: one.host, stacks: [stack], swarm: of(one) };
  return stacksPhase(host, { stacks: [app], secrets: [] })?.steps ?? [];
}

/** Cuts the power of a node when a shell test holds on it, while these steps are applied. */
async function cut(
  victim: SwarmNode,
  when: string,
  by: SwarmNode,
  steps: ReturnType<typeof clusterSteps>,
): Promise<void> {
  const run = by.engine.on.run("apply", steps).catch(() => undefined);
  const input = `until { ${when}; } >/dev/null 2>&1; do sleep 0.05; done`;
  const { exitCode } = await victim.engine.on.guest.exec("sudo -n timeout 300 sh -s", { input });
  assert.equal(exitCode, 0, when);
  await victim.engine.on.powerOff();
  await run;
}

async function back(victim: SwarmNode): Promise<void> {
  const { on } = victim.engine;
  await on.startedAgain(await started.segment.restart(on.guest.name));
  await on.root("timeout 300 sh -c 'until docker info >/dev/null 2>&1; do sleep 1; done'");
}

/** Managers that are reachable, as each of these nodes sees them. */
async function reachable(count: number, nodes: readonly SwarmNode[]): Promise<void> {
  for (const { engine } of nodes)
    await engine.on.root(
      `timeout 300 sh -c 'until [ $(docker node ls --format "{{.ManagerStatus}}" 2>/dev/null | grep -cE "Leader|Reachable") = ${count} ]; do sleep 1; done'`,
    );
}

async function holds(one: SwarmNode, steps: ReturnType<typeof clusterSteps>): Promise<void> {
  const { steps: seen, text } = await one.engine.on.run("check", steps);
  assert.equal(seen.length, steps.length, text);
  assert.deepEqual(notWell(seen), [], one.host);
}

describe("a manager that loses its power", () => {
  const state = { inviting: "node-b", ca: undefined };
  const joining = async (one: SwarmNode): Promise<ReturnType<typeof clusterSteps>> => {
    const invitation = invitationIn(
      await applied(node(b), memberSteps(of(node(b)), state, dataRoot)),
      "node-b",
    );
    const phase = { name: "swarm", steps: memberSteps(of(one), state, dataRoot) } as const;
    return withInvitation(phase, of(one), dataRoot, invitation).steps;
  };

  test("while it joins: the next run lets it join", async () => {
    const victim = node(c);
    const steps = await joining(victim);
    await cut(victim, `[ -s ${dataRoot}/swarm/docker-state.json ]`, victim, steps);
    await back(victim);
    await applied(victim, steps);
    await applied(node(a), await joining(node(a)));
  });

  test("while it makes another a manager: the next run makes three of them", async () => {
    const victim = node(b);
    const managers =
      "docker node inspect --format '{{.Spec.Role}}' $(docker node ls --quiet) | grep -c manager";
    await cut(victim, `[ $(${managers}) -ge 2 ]`, victim, clusterSteps(of(victim)));
    await back(victim);
    await applied(victim, clusterSteps(of(victim)));
    await reachable(3, started.nodes);
    for (const one of started.nodes) await holds(one, clusterSteps(of(one)));
  });

  test("while it deploys an application: the others keep the quorum, another manager goes on, and when it is back nothing differs", async (context) => {
    const victim = node(b);
    await cut(victim, "docker service inspect shop_api", victim, stackSteps(victim));
    const from = Date.now();
    await reachable(2, [node(a), node(c)]);
    context.diagnostic(`quorum of the others after ${((Date.now() - from) / 1000).toFixed(0)} s`);
    await applied(node(c), stackSteps(node(c)));
    await back(victim);
    await reachable(3, started.nodes);
    for (const one of started.nodes) await holds(one, stackSteps(one));
  });

  test("no packet has left the segment", async () => {
    assert.equal(await witness.packets(), 0);
  });
});

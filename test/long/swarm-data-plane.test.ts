/**
 * Packets between containers of a swarm, on two virtual machines: encrypted networks, a path that carries 1400 bytes, addresses of services,
 * the routing mesh. Facts of Sealift make the swarm and its networks, without Pulumi in between.
 */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { SwarmNetwork, SwarmSpec } from "../../modules/core/site/swarm.ts";
import { clusterSteps } from "../../modules/swarm/cluster-steps.ts";
import { segmentCard } from "../lab/guest-segment.ts";
import { vm } from "../lab/machine-choice.ts";
import { loadImage } from "../support/guests/engine-in-guest.ts";
import { captureSegment, type Captured } from "../support/guests/segment-capture.ts";
import { applied, joinByFacts, notWell, specOf } from "../support/guests/swarm-by-facts.ts";
import { startNodes, type SwarmNode } from "../support/guests/swarm-in-guests.ts";
import { startWitness, type Witness } from "../support/guests/witness.ts";
import { undoAfter } from "../support/process/undo.ts";

const network = (name: string, more: Partial<SwarmNetwork> = {}): SwarmNetwork => ({
  ...{ name, encrypted: true, attachable: false, mtu: 1500 },
  ...more,
});
const networks = [
  network("whole"),
  network("narrow", { mtu: 1400 }),
  network("plain", { encrypted: false, mtu: 1400 }),
];
const dataPathPort = 4790;
let spec: SwarmSpec;
let a: SwarmNode;
let b: SwarmNode;
let image: string;
let witnesses: readonly Witness[];
const undo = undoAfter();

before(async () => {
  const started = await startNodes("plane", ["node-a", "node-b"], { machine: vm("swarm") });
  undo(() => started.end());
  const [first, second] = started.nodes;
  assert.ok(first && second);
  [a, b] = [first, second];
  witnesses = await Promise.all([a, b].map(({ engine }) => startWitness(engine.on.guest)));
  const both = specOf([a, b], { networks, dataPathPort, ingress: { mtu: 1400 } });
  spec = {
    ...both,
    members: both.members.map((one) => (one.host === "node-b" ? { ...one, role: "worker" } : one)),
  };
  [image = ""] = await Promise.all([a, b].map(({ engine }) => loadImage(engine)));
  await joinByFacts([a, b], spec);
  await applied(a, clusterSteps(spec));
  // Large enough that a packet of full size is certain.
  await Promise.all(
    networks.map(async ({ name }) => {
      await service(
        `source-${name}`,
        "node-a",
        `--network ${name}`,
        "mkdir /www; busybox dd if=/dev/urandom of=/www/file bs=1M count=10; httpd -f -p 80 -h /www",
      );
      await service(`sink-${name}`, "node-b", `--network ${name}`, "sleep 100000");
    }),
  );
});

async function service(name: string, host: string, options: string, command: string): Promise<void> {
  const where = `--constraint node.labels.io.sealift.host==${host}`;
  await a.engine.docker(
    `service create --quiet --detach=false --no-resolve-image --name ${name} ${where} ${options} ${image} sh -c "${command}"`,
  );
}

const inTask = async (node: SwarmNode, name: string, command: string): Promise<string> =>
  (
    await node.engine.on.root(
      `docker exec $(docker ps --quiet --filter label=com.docker.swarm.service.name=${name}) sh -c '${command}'`,
    )
  ).trim();

/** 10 MB from a task on one host to one on the other. @param by name under which the sink finds the source. */
async function carries(name: string, by: string): Promise<{ captured: Captured; seconds: number }> {
  const sum = await inTask(a, `source-${name}`, "busybox sha256sum /www/file");
  const end = await captureSegment(b.engine.on.guest, dataPathPort);
  const from = Date.now();
  const got = await inTask(b, `sink-${name}`, `wget -q -O - http://${by}/file | busybox sha256sum`);
  const seconds = (Date.now() - from) / 1000;
  const captured = await end();
  assert.equal(got.split(" ")[0], sum.split(" ")[0]);
  assert.deepEqual(captured.elsewhere, []);
  return { captured, seconds };
}

const says = (
  context: { diagnostic: (words: string) => void },
  { captured, seconds }: Awaited<ReturnType<typeof carries>>,
): void => {
  const { esp, vxlan, largest } = captured;
  context.diagnostic(
    `10 MiB in ${seconds.toFixed(1)} s: ${esp} ESP, ${vxlan} VXLAN, the largest ${largest} bytes`,
  );
};

describe("packets of containers between two hosts", () => {
  test("an encrypted network carries 10 MiB, by the address of the task and of the service, and nothing of it is readable on the segment", async (context) => {
    for (const by of ["tasks.source-whole", "source-whole"]) {
      const done = await carries("whole", by);
      says(context, done);
      assert.ok(done.captured.esp > 7000, String(done.captured.esp));
      assert.equal(done.captured.vxlan, 0);
      assert.ok(done.captured.largest <= 1500, String(done.captured.largest));
    }
  });

  test("a network that is not encrypted carries it as VXLAN, and the capture sees that", async (context) => {
    const done = await carries("plain", "source-plain");
    says(context, done);
    assert.equal(done.captured.esp, 0);
    assert.ok(done.captured.vxlan > 7000, String(done.captured.vxlan));
    assert.ok(done.captured.largest <= 1400, String(done.captured.largest));
  });

  test("over a path of 1400 bytes a network with that mtu carries it, and one with 1500 does not", async (context) => {
    // What is larger disappears without an answer, as in a tunnel of a provider. Packets are not joined before they are counted.
    await Promise.all(
      [a, b].map(({ engine }) =>
        engine.on.guest.exec("sudo -n nft -f -", {
          input: `table netdev narrow {
  chain path { type filter hook ingress device ${segmentCard} priority 0; ip protocol esp ip length > 1400 drop; }
}
`,
        }),
      ),
    );
    const done = await carries("narrow", "source-narrow");
    says(context, done);
    assert.ok(done.captured.esp > 7000, String(done.captured.esp));
    assert.equal(done.captured.vxlan, 0);
    assert.ok(done.captured.largest <= 1400, String(done.captured.largest));
    const got = await inTask(
      b,
      "sink-whole",
      "busybox timeout 20 wget -q -O - http://source-whole/file | busybox wc -c",
    );
    assert.ok(Number(got) < 100_000, got);
    await Promise.all([a, b].map(({ engine }) => engine.on.root("nft delete table netdev narrow")));
  });

  test("a published port answers on both hosts, also where no task of the service runs", async () => {
    await service(
      "web",
      "node-b",
      "--publish 8080:80",
      "mkdir /www; echo from-node-b >/www/index.html; httpd -f -p 80 -h /www",
    );
    assert.equal(
      await a.engine.on.root("docker ps --quiet --filter label=com.docker.swarm.service.name=web"),
      "",
    );
    for (const [from, to] of [
      [a, b],
      [b, a],
      [a, a],
      [b, b],
    ] as const) {
      // The mesh of a host knows a new service after a moment.
      const answer = await from.engine.on.root(
        `timeout 60 sh -c 'until curl -sS -m 10 http://${to.address}:8080/; do sleep 1; done'`,
      );
      assert.equal(answer, "from-node-b\n");
    }
    assert.match(await a.engine.on.root("cat /proc/modules"), /^ip_vs /m);
  });

  test("the manager finds no difference, and no packet has left the segment", async () => {
    const { steps, text } = await a.engine.on.run("check", clusterSteps(spec));
    assert.ok(steps.length > 0, text);
    assert.deepEqual(notWell(steps), []);
    assert.deepEqual(await Promise.all(witnesses.map(({ packets }) => packets())), [0, 0]);
  });
});

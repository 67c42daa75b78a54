/** A swarm of three engines on one segment: what Sealift makes of it, what it refuses, and what it leaves alone. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { StepReport } from "../../modules/core/host/report.ts";
import type { Step } from "../../modules/core/host/step.ts";
import type { SwarmMember, SwarmSpec } from "../../modules/core/site/swarm.ts";
import { clusterSteps } from "../../modules/swarm/cluster-steps.ts";
import { quote } from "../../modules/core/quote.ts";
import { loadImage } from "../support/guests/engine-in-guest.ts";
import { startSwarm, type SwarmInGuests, type SwarmNode } from "../support/guests/swarm-in-guests.ts";
import { undoAfter } from "../support/process/undo.ts";

let swarm: SwarmInGuests;
let [a, b, c]: readonly SwarmNode[] = [];
let image: string;

const memberOf = (host: string, more: Partial<SwarmMember> = {}): SwarmMember => ({
  ...{ host, address: `10.9.0.${" abc".indexOf(host.slice(-1))}`, role: "manager", availability: "active" },
  labels: {},
  ...more,
});

/** Three managers; `more` by the last letter of a host. */
function site(
  more: Readonly<Record<string, Partial<SwarmMember>>> = {},
  rest: Partial<SwarmSpec> = {},
): SwarmSpec {
  const members = ["a", "b", "c"].map((last) => memberOf(`node-${last}`, more[last]));
  return {
    ...{ name: "plant-1", self: "node-a", members, removed: [], networks: [] },
    addressPool: { base: "172.29.0.0/16", size: 24 },
    ingress: { subnet: "172.28.0.0/24", mtu: 1400 },
    ...{ dataPathPort: 4789, certificateExpiry: "8760h" },
    ...rest,
  };
}

const engineOf = (node: SwarmNode | undefined): SwarmNode["engine"] => {
  assert.ok(node);
  return node.engine;
};
const docker = (node: SwarmNode | undefined, words: string): Promise<string> => engineOf(node).docker(words);

async function run(
  node: SwarmNode | undefined,
  mode: "check" | "apply",
  spec: SwarmSpec,
): Promise<readonly StepReport[]> {
  const { steps, text } = await engineOf(node).on.run(mode, clusterSteps(spec));
  assert.ok(steps.length > 0, text);
  return steps;
}

/** What does not hold, by its code. */
async function differs(
  node: SwarmNode | undefined,
  spec: SwarmSpec,
): Promise<Readonly<Record<string, string>>> {
  const steps = await run(node, "check", spec);
  return Object.fromEntries(
    steps
      .filter(({ status }) => status !== "ok")
      .map(({ code, status, found }) => [code, `${status}: ${found}`]),
  );
}

async function changes(node: SwarmNode | undefined, spec: SwarmSpec): Promise<readonly string[]> {
  const steps = await run(node, "apply", spec);
  assert.deepEqual(
    steps.filter(({ status }) => status !== "ok" && status !== "changed"),
    [],
  );
  assert.deepEqual(await differs(node, spec), {});
  return steps.filter(({ status }) => status === "changed").map(({ code }) => code);
}

function stepOf(spec: SwarmSpec, code: string): Step {
  const step = clusterSteps(spec).find((one) => one.code === code);
  assert.ok(step);
  return step;
}

async function one(
  node: SwarmNode | undefined,
  mode: "check" | "apply",
  spec: SwarmSpec,
  code: string,
): Promise<StepReport> {
  const { steps, text } = await engineOf(node).on.run(mode, [stepOf(spec, code)]);
  const [first] = steps;
  assert.ok(first, text);
  return first;
}

/** The preview refuses it, and so does what would apply it. */
async function refused(
  node: SwarmNode | undefined,
  spec: SwarmSpec,
  code: string,
  words: RegExp,
): Promise<void> {
  for (const [mode, status] of [
    ["check", "refused"],
    ["apply", "failed"],
  ] as const) {
    const { status: is, found } = await one(node, mode, spec, code);
    assert.equal(is, status, found);
    assert.match(found, words);
  }
}

const managers = async (by: SwarmNode | undefined): Promise<string> =>
  (await docker(by, "node ls --format '{{.Hostname}} {{.ManagerStatus}}'"))
    .trim()
    .split("\n")
    .filter((line) => /Leader|Reachable/.test(line))
    .map((line) => line.replace(/^\S*-(\w) .*/, "$1"))
    .toSorted()
    .join(" ");
const leader = async (): Promise<SwarmNode> => {
  const line = await docker(a, "node ls --filter role=manager --format '{{.ManagerStatus}} {{.Hostname}}'");
  const found = swarm.nodes.find(({ host }) => line.includes(`Leader swarm-${host}`));
  assert.ok(found, line);
  return found;
};
const idOf = async (node: SwarmNode | undefined): Promise<string> =>
  (await docker(node, "info --format '{{.Swarm.NodeID}}'")).trim();
const createService = (name: string, words: string): Promise<string> =>
  docker(
    a,
    `service create --quiet --detach=false --no-resolve-image --name ${name} ${words} ${quote(image)} sleep 1000`,
  );
/** A host that is installed again knows nothing of the swarm. */
const wipe = async (node: SwarmNode | undefined): Promise<void> => {
  await engineOf(node).on.root(
    "systemctl stop docker.socket docker && rm -r /docker/swarm && systemctl start docker",
  );
};
const joinAgain = async (node: SwarmNode | undefined): Promise<void> => {
  assert.ok(node && a);
  await swarm.join(node, a);
};

for (const series of (process.env["SEALIFT_ENGINES"] ?? "26.1 28.5 29.").split(" "))
  describe(`a swarm of three engines ${series}`, () => {
    const undo = undoAfter();
    before(async () => {
      swarm = await startSwarm(
        "swarm",
        ["--default-addr-pool", "172.29.0.0/16", "--cert-expiry", "2160h"],
        series,
      );
      undo(() => swarm.end());
      [a, b, c] = swarm.nodes;
      [image = ""] = await Promise.all(swarm.nodes.map(({ engine }) => loadImage(engine)));
      assert.match(
        await docker(a, "info --format '{{.ServerVersion}}'"),
        new RegExp(`^${series.replace(".", "[.]")}`),
      );
    });

    test("a member that is not a manager yet reports it, and nothing else is known there", async () => {
      const found = await differs(b, site());
      assert.equal(found["cluster.quorum"], "drift: this host is not a manager of the swarm yet");
      assert.equal(found["cluster.node.node-a"], "drift: not known before cluster.quorum holds");
    });

    test("one manager makes all of it true, and then no manager finds a difference", async () => {
      const networks = [{ name: "shop", encrypted: false, attachable: true, mtu: 1330 }];
      const spec = site({ b: { labels: { zone: "rack-2" } }, c: { availability: "drain" } }, { networks });
      assert.deepEqual(await changes(a, spec), [
        ...["cluster.identity", "cluster.settings"],
        ...["cluster.node.node-a", "cluster.node.node-b", "cluster.node.node-c"],
        ...["cluster.ingress", "cluster.network.shop"],
      ]);
      for (const node of swarm.nodes) assert.deepEqual(await changes(node, spec), []);
      assert.equal(await managers(a), "a b c");
      const { text } = await engineOf(b).on.run("check", [stepOf(spec, "cluster.quorum")]);
      assert.match(text, /^value\tcluster\.quorum\t3\/3$/m);
      assert.match(
        await docker(a, "network inspect ingress --format '{{json .IPAM.Config}} {{json .Options}}'"),
        /"172\.28\.0\.0\/24".* {"com\.docker\.network\.driver\.mtu":"1400",/,
      );
      assert.deepEqual(await changes(b, site()), [
        "cluster.node.node-b",
        "cluster.node.node-c",
        "cluster.networks",
      ]);
    });

    test("another name, another pool and another data path port are refused; another validity of certificates is set", async () => {
      await refused(
        a,
        site({}, { name: "plant-2" }),
        "cluster.identity",
        /^E_SWARM_MEMBER the swarm has the name "plant-1", and the site says "plant-2"; fix: /,
      );
      await refused(
        b,
        site({}, { addressPool: { base: "172.30.0.0/16", size: 25 }, dataPathPort: 4790 }),
        "cluster.settings",
        /^E_SWARM_POOL the address pool is 172\.29\.0\.0\/16 instead of 172\.30\.0\.0\/16; a network gets a \/24 of the pool instead of a \/25; the data path port is 4789 instead of 4790: /,
      );
      assert.deepEqual(await changes(c, site({}, { certificateExpiry: "24h" })), ["cluster.settings"]);
      assert.deepEqual(await changes(a, site()), ["cluster.settings"]);
    });

    test("labels are those of the site; those of others stay", async () => {
      await docker(a, `node update --label-add theirs=x --label-add zone=old ${await idOf(b)}`);
      const spec = site({ b: { labels: { zone: "rack-2", "ssd.kind": "a/b" } } });
      assert.match(
        (await differs(a, spec))["cluster.node.node-b"] ?? "",
        /^drift: node-b lacks the label ssd\.kind=a\/b; node-b lacks the label zone=rack-2$/,
      );
      assert.deepEqual(await changes(a, spec), ["cluster.node.node-b"]);
      await docker(a, `node update --label-rm zone --label-rm io.sealift.host ${await idOf(b)}`);
      assert.deepEqual(await changes(b, spec), ["cluster.node.node-b"]);
      assert.deepEqual(await changes(c, site()), ["cluster.node.node-b"]);
      assert.equal(
        await docker(a, `node inspect --format '{{json .Spec.Labels}}' ${await idOf(b)}`),
        '{"io.sealift.host":"node-b","theirs":"x"}\n',
      );
    });

    test("a service whose constraints name labels may lose tasks when labels change, and it is said", async () => {
      const spec = site({ b: { labels: { zone: "rack-2" } } });
      await createService("plain", "--replicas 3");
      assert.equal((await one(a, "check", spec, "cluster.node.node-b")).effect, "none");
      await createService("pinned", "--constraint node.labels.zone!=rack-2");
      assert.equal((await one(a, "check", spec, "cluster.node.node-b")).effect, "containers-stop");
      await docker(a, "service rm plain pinned");
    });

    test("the leader is demoted by another manager, and promoted again", async () => {
      const leads = await leader();
      const last = leads.host.slice(-1);
      const by = swarm.nodes.find((node) => node !== leads);
      assert.deepEqual(await changes(by, site({ [last]: { role: "worker" } })), [
        `cluster.node.${leads.host}`,
      ]);
      assert.equal((await managers(by)).includes(last), false);
      assert.deepEqual(await changes(by, site()), [`cluster.node.${leads.host}`]);
      assert.equal(await managers(a), "a b c");
    });

    test("a drained node has no tasks before the step ends; tasks that do not stop are named", async () => {
      await createService("slow", "--replicas 3 --stop-grace-period 4s");
      const spec = site({ c: { availability: "drain" } });
      assert.equal((await one(a, "check", spec, "cluster.node.node-c")).effect, "containers-stop");
      assert.deepEqual(await changes(a, spec), ["cluster.node.node-c"]);
      assert.equal(await docker(c, "ps --quiet"), "");
      assert.deepEqual(await changes(a, site()), ["cluster.node.node-c"]);
      await docker(a, "service update --quiet --detach=false --force --stop-grace-period 60s slow");
      await engineOf(a).on.root(
        "sed -i 's/^CLUSTER_DRAIN_SEC=.*/CLUSTER_DRAIN_SEC=3/' /run/sealift-library.sh",
      );
      const { status, found } = await one(a, "apply", spec, "cluster.node.node-c");
      assert.equal(status, "failed");
      assert.match(found, /^E_SWARM_NODE node-c is drained, but after 3 s still runs slow\.\d/);
      assert.match(
        (await differs(b, spec))["cluster.node.node-c"] ?? "",
        /^drift: node-c is drained, but still runs slow\.\d/,
      );
      await engineOf(a).on.root(
        "sed -i 's/^CLUSTER_DRAIN_SEC=.*/CLUSTER_DRAIN_SEC=600/' /run/sealift-library.sh",
      );
      await docker(a, "service rm slow");
      await engineOf(c).on.root("docker ps --quiet | xargs --no-run-if-empty docker kill");
      assert.deepEqual(await changes(a, site()), ["cluster.node.node-c"]);
    });

    test("a network is created again while nobody uses it, and refused while a service does", async () => {
      const shop = { name: "shop", encrypted: false, attachable: false, mtu: 1330 };
      const one = site({}, { networks: [shop] });
      assert.deepEqual(await changes(a, one), ["cluster.network.shop"]);
      for (const other of [{ mtu: 1400 }, { encrypted: true }, { attachable: true }])
        assert.deepEqual(await changes(b, site({}, { networks: [{ ...shop, ...other }] })), [
          "cluster.network.shop",
        ]);
      assert.deepEqual(await changes(a, one), ["cluster.network.shop"]);
      await createService("web", "--replicas 3 --network shop --endpoint-mode dnsrr");
      assert.deepEqual(await changes(c, one), []);
      await refused(
        a,
        site({}, { networks: [{ ...shop, mtu: 1400, encrypted: true }] }),
        "cluster.network.shop",
        /^E_SWARM_NETWORK network shop is not encrypted; network shop has the MTU 1330 instead of 1400, and it is used by web; fix: /,
      );
      assert.deepEqual(await differs(a, site()), {
        "cluster.networks":
          "warn: E_SWARM_NETWORK networks that the site no longer names are used: shop; fix: name them in swarm.networks, or take the services off them",
      });
      await docker(a, "service rm web");
      assert.deepEqual(await changes(a, site()), ["cluster.networks"]);
      await docker(a, "network create --driver overlay theirs");
      assert.deepEqual(await changes(a, site()), []);
    });

    test("the ingress network is created again while no service publishes a port through it", async () => {
      const spec = site({}, { ingress: { subnet: "172.27.0.0/24", mtu: 1300 } });
      await createService("direct", "--publish mode=host,target=80,published=8080");
      assert.deepEqual(await changes(b, spec), ["cluster.ingress"]);
      await docker(a, "service rm direct");
      await docker(
        a,
        `service create --quiet --detach --no-resolve-image --name mesh --mode global --publish 8081:80 ${quote(image)} sleep 1000`,
      );
      await refused(
        c,
        site(),
        "cluster.ingress",
        /^E_SWARM_NETWORK the ingress network has the subnet 172\.27\.0\.0\/24 instead of 172\.28\.0\.0\/24; the ingress network has the MTU 1300 instead of 1400, and it is used by mesh; fix: /,
      );
      await engineOf(a).on.root(
        "timeout 60 sh -c 'until docker service ps mesh | grep -q Running; do sleep 0.2; done'",
      );
      // Its tasks end ten seconds after their service: a node whose task is still there would keep the network for good.
      await docker(a, "service rm mesh");
      assert.deepEqual(await changes(a, site()), ["cluster.ingress"]);
      for (const { engine } of swarm.nodes)
        assert.match(
          await engine.on.root(
            `timeout 60 sh -c 'until docker network inspect ingress 2>/dev/null | grep -q 172.28.0.0/24; do sleep 0.5; done' && docker network inspect ingress`,
          ),
          /"com\.docker\.network\.driver\.mtu": "1400"/,
        );
    });

    test("a join token that was handed out is not valid afterwards, and the new one is nowhere in the output", async () => {
      const old = (await docker(a, "swarm join-token -q worker")).trim();
      await engineOf(a).on.root("mkdir -p /run/sealift && touch /run/sealift/swarm-invited");
      assert.deepEqual(await differs(a, site()), {
        "cluster.tokens": "drift: join tokens that were handed out are still valid",
      });
      const { text } = await engineOf(a).on.run("apply", [stepOf(site(), "cluster.tokens")]);
      assert.doesNotMatch(text, /SWMTKN/);
      assert.deepEqual(await differs(a, site()), {});
      await wipe(c);
      await assert.rejects(
        docker(c, `swarm join --token ${old} 10.9.0.1:2377`),
        /A valid join token is necessary/,
      );
    });

    test("a host that was installed again takes the place of its earlier node", async () => {
      await joinAgain(c);
      assert.deepEqual(await changes(b, site()), ["cluster.replaced", "cluster.node.node-c"]);
      assert.equal(await managers(a), "a b c");
      assert.equal((await docker(a, "node ls --quiet")).trim().split("\n").length, 3);
    });

    const two = (rest: Partial<SwarmSpec>): SwarmSpec => ({
      ...site(),
      members: site().members.slice(0, 2),
      ...rest,
    });

    test("a node that the site does not name is refused; as a host that leaves, it is drained, demoted and removed", async () => {
      await refused(
        a,
        two({}),
        "cluster.others",
        /^E_SWARM_NODE the site does not name node-c \(10\.9\.0\.3, ready\); fix: add the host to the swarm of the site .*, or add its name to swarm\.removed$/,
      );
      await createService("web", "--replicas 3 --stop-grace-period 1s");
      const spec = two({ removed: ["node-c"] });
      assert.equal((await one(a, "check", spec, "cluster.removed.node-c")).effect, "containers-stop");
      assert.deepEqual(await changes(a, spec), ["cluster.removed.node-c"]);
      assert.equal(await managers(a), "a b");
      assert.equal(await docker(c, "ps --quiet"), "");
      await docker(a, "service rm web");
      await wipe(c);
      await joinAgain(c);
      assert.deepEqual(await changes(b, site()), ["cluster.node.node-c"]);
    });

    test("a manager whose engine is dead is reported, keeps no other from being changed, and leaves when the site says so", async () => {
      await engineOf(c).on.root("systemctl kill --signal=KILL docker; systemctl stop docker.socket docker");
      await engineOf(a).on.root(
        "timeout 60 sh -c 'until docker node ls | grep node-c | grep Down | grep -q Unreachable; do sleep 1; done'",
      );
      const spec = site({ b: { labels: { zone: "rack-2" } } });
      const steps = await run(a, "apply", spec);
      assert.deepEqual(
        steps.filter(({ status }) => status !== "ok").map(({ code, status }) => `${code} ${status}`),
        ["cluster.node.node-b changed", "cluster.node.node-c warn"],
      );
      assert.match(
        (await differs(b, spec))["cluster.node.node-c"] ?? "",
        /^warn: E_SWARM_NODE node-c is down; fix: start /,
      );
      // Of three managers two are left: neither may go, but the dead one may.
      await refused(
        a,
        site({ b: { role: "worker" } }),
        "cluster.node.node-b",
        /^E_SWARM_NODE without the manager on node-b, 1 of 2 managers would be reachable: the swarm would lose its quorum; fix: /,
      );
      const gone = await changes(b, two({ removed: ["node-c"] }));
      assert.deepEqual(gone, ["cluster.node.node-b", "cluster.removed.node-c"]);
      assert.equal(await managers(a), "a b");
      await engineOf(c).on.root("rm -r /docker/swarm && systemctl start docker.socket docker");
      await joinAgain(c);
      assert.deepEqual(await changes(a, site()), ["cluster.node.node-c"]);
    });

    test("without a quorum nothing is forced: the finding names the two ways out", async () => {
      await Promise.all([b, c].map((node) => engineOf(node).on.guest.kill()));
      await engineOf(a).on.root("timeout 90 sh -c 'while docker node ls >/dev/null 2>&1; do sleep 1; done'");
      await refused(
        a,
        site(),
        "cluster.quorum",
        /^E_SWARM_QUORUM the swarm has no leader: .*; fix: start the managers that are down; or, if they are lost for good, manually on one manager that is left: docker swarm init --force-new-cluster /,
      );
      const found = await differs(a, site());
      assert.equal(found["cluster.node.node-b"], "drift: not known before cluster.quorum holds");
    });
  });

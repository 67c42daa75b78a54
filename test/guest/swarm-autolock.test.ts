/** A swarm of three managers that are locked when they start: where its unlock key is, and where it is not. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { before, describe, test } from "node:test";
import { uploadPath } from "../../modules/core/host/blob.ts";
import { quote } from "../../modules/core/quote.ts";
import type { Step } from "../../modules/core/host/step.ts";
import type { SecretsSpec } from "../../modules/core/site/site-spec.ts";
import type { SwarmSpec } from "../../modules/core/site/swarm.ts";
import { secretsSteps } from "../../modules/secrets/steps.ts";
import { clusterSteps } from "../../modules/swarm/cluster-steps.ts";
import { shellFacts } from "../support/guests/shell-facts.ts";
import { makeRecoveryKey, type RecoveryKey } from "../support/guests/recovery-key.ts";
import { startSwarm, type SwarmInGuests, type SwarmNode } from "../support/guests/swarm-in-guests.ts";
import { undoAfter } from "../support/process/undo.ts";

/** The key is not on its command line. */
const search =
  "cat >/dev/shm/pattern; grep -rlFf /dev/shm/pattern --exclude=pattern --exclude-dir=netns --devices=skip /etc /var /root /home /run /docker /opt /tmp /dev/shm; status=$?; rm /dev/shm/pattern; exit $status";
const keys = "/var/lib/sealift/swarm-unlock";
let swarm: SwarmInGuests;
let nodes: SwarmInGuests["nodes"];
let a: SwarmNode, b: SwarmNode, c: SwarmNode;
let recovery: RecoveryKey;
let secrets: SecretsSpec;
/** The output of everything that Sealift has run, as reports, logs and Pulumi's state would have it. */
let printed = "";
const undo = undoAfter();
before(async () => {
  recovery = await makeRecoveryKey();
  undo(() => recovery.end());
  secrets = { age: recovery.age.version, recoveryKey: recovery.publicKey };
  swarm = await startSwarm("swarm-lock", ["--default-addr-pool", "172.29.0.0/16", "--cert-expiry", "8760h"]);
  undo(() => swarm.end());
  nodes = swarm.nodes;
  [a, b, c] = nodes;
  await a.engine.docker("config create --label io.sealift.swarm=plant-1 sealift-swarm /etc/hostname");
  const archive = await readFile(recovery.age.path);
  const arrives = uploadPath(recovery.age.sha256);
  for (const { engine } of nodes) {
    await engine.on.guest.exec(`mkdir -p .sealift/blobs && cat >${arrives}`, { input: archive });
    const hostKey = engine.on.guest.hostKey;
    const { revision, text } = await engine.on.run(
      "apply",
      secretsSteps({ hostKey, age: recovery.age, secrets: [] }),
    );
    assert.ok(revision, text);
  }
});

function site(autolock?: boolean): SwarmSpec {
  return {
    ...{ name: "plant-1", self: "node-a", removed: [], networks: [] },
    ...(autolock === undefined ? {} : { autolock }),
    members: nodes.map(({ host, address }) => ({
      ...{ host, address, role: "manager", availability: "active", labels: {} },
    })),
    addressPool: { base: "172.29.0.0/16", size: 24 },
    ingress: { mtu: 1500 },
    ...{ dataPathPort: 4789, certificateExpiry: "8760h" },
  };
}

async function run(
  { engine }: SwarmNode,
  mode: "check" | "apply",
  steps: readonly Step[],
): Promise<readonly string[]> {
  const { steps: reported, text } = await engine.on.run(mode, steps);
  printed += text;
  assert.ok(reported.length > 0, text);
  return reported
    .filter(({ status }) => status !== "ok")
    .map(({ status, code, found }) => `${code} ${status}: ${found}`);
}
const cluster = (node: SwarmNode, mode: "check" | "apply", autolock = true): Promise<readonly string[]> =>
  run(node, mode, clusterSteps(site(autolock), secrets));
const changed = async (node: SwarmNode, autolock = true): Promise<readonly string[]> =>
  (await cluster(node, "apply", autolock)).map((line) => line.split(":")[0] ?? "");
const stateOf = async ({ engine }: SwarmNode): Promise<string> =>
  (await engine.docker("info --format '{{.Swarm.LocalNodeState}}'")).trim();
const keyOf = async ({ engine }: SwarmNode): Promise<string> =>
  (await engine.docker("swarm unlock-key -q")).trim();
/** What a person does with the recovery key. */
const decrypted = async ({ engine }: SwarmNode, file = "current.age"): Promise<string> =>
  (await recovery.decrypt(await engine.on.root(`cat ${keys}/${file}`))).trim();
const unlock = async ({ engine }: SwarmNode, key: string): Promise<void> => {
  const { exitCode, stderr } = await engine.on.guest.exec("sudo -n docker swarm unlock", {
    input: `${key}\n`,
  });
  assert.equal(exitCode, 0, stderr);
};
const settled = ({ engine }: SwarmNode): Promise<string> =>
  engine.on.root(
    'timeout 90 sh -c \'until [ $(docker node ls --format "{{.Status}} {{.ManagerStatus}}" | grep -cE "^Ready (Reachable|Leader)") = 3 ]; do sleep 1; done\'',
  );
const restart = ({ engine }: SwarmNode): Promise<string> =>
  engine.on.root("systemctl reset-failed docker.socket docker && systemctl restart docker");

describe("a swarm whose managers are locked when they start", () => {
  const known: string[] = [];

  test("managers are locked once all of them are managers; each keeps the key, encrypted for the recovery key", async () => {
    const first = await changed(a);
    assert.deepEqual(
      first.filter((line) => /autolock|unlock/.test(line)),
      ["cluster.autolock changed"],
    );
    assert.deepEqual(await changed(b), ["cluster.unlock-key changed"]);
    assert.deepEqual(await cluster(c, "check"), [`cluster.unlock-key drift: ${keys}/current.age is absent`]);
    assert.deepEqual(await changed(c), ["cluster.unlock-key changed"]);
    const key = await keyOf(a);
    known.push(key);
    assert.match(key, /^SWMKEY-1-/);
    for (const node of nodes) {
      assert.deepEqual(await cluster(node, "check"), []);
      assert.equal(await decrypted(node), key);
      assert.equal(
        await node.engine.on.root(`stat -c '%U %a' ${keys} $(readlink -f ${keys}/current.age)`),
        "root 700\nroot 600\n",
      );
    }
  });

  test("a manager that was restarted is locked, and refused in words that lead to the key", async () => {
    await restart(c);
    assert.equal(await stateOf(c), "locked");
    const ca = (await c.engine.on.root("sha256sum /docker/swarm/certificates/swarm-root-ca.crt")).slice(
      0,
      64,
    );
    const facts = shellFacts(() => c.engine.on);
    const joined = ["swarm_joined", "/docker", "plant-1", c.address, ca, "unknown", a.address] as const;
    const words =
      /^E_SWARM_LOCKED the host is a locked manager of a swarm: .*; fix: .*docker swarm unlock-key -q, .*\/current\.age .*docker swarm unlock /;
    await facts.finds("the host is a locked manager of a swarm", ...joined);
    await facts.refuses(words, ...joined);
    const created = [
      "swarm_created",
      "/docker",
      "plant-1",
      c.address,
      "172.29.0.0/16",
      "24",
      "4789",
      "8760h",
    ];
    await facts.refuses(words, created[0] ?? "", ...created.slice(1));
    await facts.refuses(
      /^E_SWARM_MEMBER the host is a locked manager of a swarm; fix: if it does not need that swarm/,
      ...(["swarm_joined", "/docker", "plant-1", c.address, "0".repeat(64), "unknown", a.address] as const),
    );
    const [quorum = ""] = await cluster(c, "check");
    assert.match(
      quorum,
      /^cluster\.quorum refused: E_SWARM_LOCKED this manager of the swarm is locked; fix: /,
    );
    // The others go on without it, and report it.
    const seen = await cluster(a, "check");
    assert.deepEqual(
      seen.map((line) => line.split(":")[0]),
      ["cluster.node.node-c warn"],
    );
  });

  test("the key from its own disk, decrypted with the recovery key, unlocks it", async () => {
    await unlock(c, await decrypted(c));
    await settled(a);
    for (const node of nodes) assert.deepEqual(await cluster(node, "check"), []);
  });

  test("a run that restarts the engine hands the key over in memory", async () => {
    const before = await b.engine.on.root("systemctl show --property MainPID docker");
    const steps = b.engine.daemon({ "live-restore": false, "no-new-privileges": true });
    assert.notDeepEqual(await run(b, "apply", steps), []);
    assert.notEqual(await b.engine.on.root("systemctl show --property MainPID docker"), before);
    assert.equal(await stateOf(b), "active");
    await b.engine.on.root("test ! -e /run/sealift/swarm-unlock-key");
    await settled(a);
    // A run that was cut in between leaves it there until the next one.
    await b.engine.on.call("autolock_hold");
    assert.equal(
      await b.engine.on.root("stat -c '%U %a' /run/sealift/swarm-unlock-key && stat -f -c %T /run/sealift"),
      "root 600\ntmpfs\n",
    );
    assert.deepEqual(await cluster(b, "check"), [
      "cluster.unlock-key drift: the key is still in memory since a restart of the engine",
    ]);
    assert.deepEqual(await changed(b), ["cluster.unlock-key changed"]);
    await b.engine.on.root("test ! -e /run/sealift/swarm-unlock-key");
  });

  test("a key that was replaced is found; a manager that was off meanwhile still has the one that opens its disk", async () => {
    await c.engine.on.root("systemctl stop docker.socket docker");
    await a.engine.on.root("docker swarm unlock-key --rotate --quiet >/dev/null");
    const [old = ""] = known;
    const key = await keyOf(a);
    known.push(key);
    assert.notEqual(key, old);
    for (const node of [a, b]) {
      const found = (await cluster(node, "check")).filter((line) => !line.startsWith("cluster.node.node-c"));
      assert.deepEqual(found, [
        `cluster.unlock-key drift: ${keys}/current.age has an earlier key, or is encrypted for an earlier recovery key`,
      ]);
      await cluster(node, "apply");
      assert.equal(await decrypted(node), key);
      const kept = await node.engine.on.root(`ls -t ${keys} | grep -c -- '-.*age$'`);
      assert.equal(kept, "2\n");
    }
    await c.engine.on.root("systemctl start docker.socket docker");
    assert.equal(await stateOf(c), "locked");
    assert.equal(await decrypted(c), old);
    await unlock(c, await decrypted(c));
    await settled(a);
    await cluster(c, "apply");
    assert.equal(await decrypted(c), key);
  });

  test("an altered file, and another recovery key, are found and made right", async () => {
    await a.engine.on.root(`sh -c 'echo >>$(readlink -f ${keys}/current.age)'`);
    assert.deepEqual(await cluster(a, "check"), [`cluster.unlock-key drift: ${keys}/current.age is altered`]);
    assert.deepEqual(await changed(a), ["cluster.unlock-key changed"]);
    const other = await makeRecoveryKey();
    try {
      const again = clusterSteps(site(true), { ...secrets, recoveryKey: other.publicKey });
      assert.match(
        (await run(a, "apply", again)).join(),
        /^cluster\.unlock-key changed: .*earlier recovery key$/,
      );
      const text = await a.engine.on.root(`cat ${keys}/current.age`);
      assert.equal((await other.decrypt(text)).trim(), known.at(-1));
      await assert.rejects(recovery.decrypt(text));
    } finally {
      await other.end();
    }
    assert.deepEqual(await changed(a), ["cluster.unlock-key changed"]);
  });

  test("no recovery key that age takes: managers are not locked before it is known that the key can be kept", async () => {
    assert.deepEqual(await changed(a, false), ["cluster.autolock changed"]);
    assert.deepEqual(await cluster(b, "check", false), [
      `cluster.autolock drift: ${keys}/current.age is a key that opens nothing`,
    ]);
    assert.deepEqual(await changed(b, false), ["cluster.autolock changed"]);
    await settled(a);
    const { exitCode, output } = await a.engine.on.call(
      "apply_swarm_autolock",
      "on",
      `/opt/sealift/age/${secrets.age}/age`,
      "age1none",
    );
    assert.equal(exitCode, 1, output);
    assert.match(output, /^age does not encrypt for the recovery key: /);
    assert.deepEqual(await cluster(a, "check", false), []);
  });

  test("a swarm that is not to be locked starts by itself, also without a word of the site", async () => {
    await restart(c);
    assert.equal(await stateOf(c), "active");
    await settled(a);
    assert.deepEqual(await run(a, "check", clusterSteps(site())), []);
  });

  test("no unlock key is in plain text in any output, on any disk or in a file in memory", async () => {
    assert.equal(known.length, 2);
    await a.engine.on.guest.exec("sudo -n tee /etc/planted >/dev/null", { input: known[0] ?? "" });
    const found: string[] = [];
    for (const key of known) {
      assert.equal(printed.includes(key), false);
      for (const { engine } of nodes) {
        const { exitCode, stdout, stderr } = await engine.on.guest.exec(`sudo -n sh -c ${quote(search)}`, {
          input: key,
        });
        assert.ok(exitCode < 2, stderr);
        found.push(...stdout.split("\n"));
      }
    }
    // That the search finds a key is shown by one.
    assert.deepEqual(
      found.filter((line) => line !== ""),
      ["/etc/planted"],
    );
  });
});

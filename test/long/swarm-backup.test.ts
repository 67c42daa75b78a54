/** A swarm of three managers is backed up while it runs; all three are lost; a new host goes on with it, and others join. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { before, describe, test } from "node:test";
import { backedApps, swarmBackup, type BackedApp } from "../../modules/core/site/backed-apps.ts";
import { uploadPath } from "../../modules/core/host/blob.ts";
import type { Step } from "../../modules/core/host/step.ts";
import { quote } from "../../modules/core/quote.ts";
import type { SwarmSpec } from "../../modules/core/site/swarm.ts";
import { parseBackupStatus } from "../../modules/backup/client-status.ts";
import { secretsSteps } from "../../modules/secrets/steps.ts";
import { clusterSteps } from "../../modules/swarm/cluster-steps.ts";
import { joinSegment } from "../lab/guest-segment.ts";
import { type BackupInGuest, startBackups, storeFolder } from "../support/guests/backup-in-guest.ts";
import { type EngineInGuest, loadImage, startEngine } from "../support/guests/engine-in-guest.ts";
import { makeRecoveryKey, type RecoveryKey } from "../support/guests/recovery-key.ts";
import { startSwarm, type SwarmNode } from "../support/guests/swarm-in-guests.ts";
import { undoAfter } from "../support/process/undo.ts";

const script = "/opt/sealift/backup/restore";
const addresses = ["10.9.0.1", "10.9.0.2", "10.9.0.3"] as const;
const pool = ["--default-addr-pool", "172.29.0.0/16", "--cert-expiry", "8760h"];
const undo = undoAfter();
let recovery: RecoveryKey;
before(async () => {
  recovery = await makeRecoveryKey();
  undo(() => recovery.end());
});

/** The first ones of three managers; what is left of them is removed. */
function site(managers = 3, autolock = false): SwarmSpec {
  const hosts = ["node-a", "node-b", "node-c"];
  return {
    ...{
      name: "plant-1",
      self: "node-a",
      networks: [],
      autolock,
      removed: hosts.slice(managers),
    },
    members: hosts.slice(0, managers).map((host, at) => ({
      ...{
        host,
        address: addresses[at] ?? "",
        role: "manager",
        availability: "active",
        labels: {},
      },
    })),
    addressPool: { base: "172.29.0.0/16", size: 24 },
    ingress: { mtu: 1500 },
    ...{ dataPathPort: 4789, certificateExpiry: "8760h" },
  };
}

function backedSwarm({ archive }: EngineInGuest, autolock = false): BackedApp {
  const [app] = backedApps({
    apps: [],
    backup: {
      ...{ restic: "0", password: "restic.age", swarm: { at: "03:45" } },
      store: { host: "store-a", address: "127.0.0.1", port: 8000 },
    },
    swarm: site(3, autolock),
    engine: { version: archive.version },
    daemon: { "data-root": "/docker" },
  });
  assert.ok(app);
  return app;
}

/** age on the host, as a run puts it there, and then the swarm as the site says. */
async function convergeSwarm({ on }: EngineInGuest, spec: SwarmSpec): Promise<void> {
  const { age } = recovery;
  await on.guest.exec(`mkdir -p .sealift/blobs && cat >${uploadPath(age.sha256)}`, {
    input: await readFile(age.path),
  });
  const steps = [
    ...secretsSteps({ hostKey: on.guest.hostKey, age, secrets: [] }),
    ...clusterSteps(spec, {
      age: age.version,
      recoveryKey: recovery.publicKey,
    }),
  ];
  const { revision, text } = await on.run("apply", steps);
  assert.ok(revision, text);
}

const servicesOf = async ({ docker }: Pick<EngineInGuest, "docker">): Promise<string> =>
  (await docker("service ls --format '{{.Name}} {{.Replicas}}'")).trim();

function stepsOf(world: BackupInGuest, engine: EngineInGuest, autolock = false): readonly Step[] {
  const app = backedSwarm(engine, autolock);
  return [...world.steps(app), ...world.restoreSteps(app, "", site(3, autolock)), ...world.managerSteps(app)];
}

/** Two hosts with the addresses of the first two managers, and an engine. */
async function newHosts(name: string): Promise<readonly [EngineInGuest, EngineInGuest]> {
  const [first, second] = [await startEngine(`${name}-1`), await startEngine(`${name}-2`)];
  undo(() => first.end());
  undo(() => second.end());
  await joinSegment(
    { guest: first.on.guest, address: `${addresses[0]}/24` },
    { guest: second.on.guest, address: `${addresses[1]}/24` },
  );
  for (const engine of [first, second]) {
    const { revision, text } = await engine.on.run("apply", engine.daemon({ "live-restore": false }));
    assert.ok(revision, text);
  }
  return [first, second];
}

describe("the backup of a swarm", () => {
  /** What the store has, as a store on another host would still have it. */
  let stored: string;
  /** sha256 of the root CA. */
  let ca: string;
  let image: string;
  let world: BackupInGuest | undefined;
  const caOf = async ({ on }: EngineInGuest): Promise<string> =>
    (await on.root("sha256sum /docker/swarm/certificates/swarm-root-ca.crt")).slice(0, 64);

  test("is made while the engine runs, and holds the data of the manager", async () => {
    const swarm = await startSwarm("swarm-backup", pool);
    try {
      const [a, b, c] = swarm.nodes;
      const { engine } = a;
      await engine.docker("config create --label io.sealift.swarm=plant-1 sealift-swarm /etc/hostname");
      [image = ""] = await Promise.all([a, b, c].map((node: SwarmNode) => loadImage(node.engine)));
      await convergeSwarm(engine, site());
      await engine.on.root("echo of-a-config >/run/text && echo of-a-secret >/run/hidden");
      await engine.docker("config create shop-config /run/text");
      await engine.docker("secret create shop-secret /run/hidden");
      await engine.docker(
        `service create --quiet --detach=false --no-resolve-image --name shop --replicas 3 --endpoint-mode dnsrr --config shop-config --secret shop-secret ${quote(image)} sleep 100000`,
      );
      ca = await caOf(engine);
      const world = await startBackups(engine.on);
      const began = await engine.on.root("systemctl show -P ActiveEnterTimestampMonotonic docker");
      const steps = stepsOf(world, engine);
      const made = await engine.on.run("apply", steps);
      assert.ok(made.revision, made.text);
      const again = await engine.on.run("check", steps);
      assert.deepEqual(
        again.steps.filter(({ status }) => status !== "ok"),
        [],
      );
      const { last } = parseBackupStatus(again.values?.[`backup.${swarmBackup}.status`] ?? "");
      assert.deepEqual([last?.release, last?.stopped], [engine.archive.version, 0]);
      assert.equal(await engine.on.root("systemctl show -P ActiveEnterTimestampMonotonic docker"), began);
      const held = await world.restic("ls latest");
      assert.match(held, /^\/data\/swarm\/raft\/wal-v3-encrypted\/\S+\.wal$/m);

      // A swarm that runs is not given an earlier state.
      const { exitCode, stdout, stderr } = await engine.on.guest.exec(
        `sudo -n sh ${script} ${swarmBackup} --from latest --confirm ${swarmBackup}`,
      );
      assert.equal(exitCode, 1);
      assert.match(
        stdout + stderr,
        /^found: this swarm runs, and has a quorum\nexpected: a swarm that is lost/m,
      );
      await engine.on.root(`sh ${script} ${swarmBackup} --undo --confirm ${swarmBackup}`);
      assert.equal(await engine.on.root("systemctl show -P ActiveEnterTimestampMonotonic docker"), began);
      assert.equal(await servicesOf(engine), "shop 3/3");

      // What a worker has is no backup of a swarm.
      await engine.on.root(
        "sed -i 's|^needs=.*|needs=/docker/swarm/none|' /etc/sealift/backup/apps/_swarm.conf",
      );
      assert.match(await world.backUp(swarmBackup), / 11 .*the host manages no swarm; fix: run pulumi up/);
      stored = await engine.on.root(`tar -C ${storeFolder} -c . | base64 -w 0`);
    } finally {
      await swarm.end();
    }
  });

  test("brings the swarm back on a new host, when all of its managers are lost", async () => {
    const [first, second] = await newHosts("swarm-backup");
    for (const engine of [first, second]) await loadImage(engine);
    // The run that made the hosts again has made a new swarm.
    await first.docker(`swarm init --advertise-addr ${addresses[0]} ${pool.join(" ")}`);
    world = await startBackups(first.on);
    await first.on.guest.exec(`sudo -n sh -c 'base64 -d | tar -C ${storeFolder} -x'`, { input: stored });
    const steps = stepsOf(world, first);
    const warned = await first.on.run("apply", steps);
    assert.match(
      warned.text,
      /E_BACKUP .*the store has backups of _swarm up to .*fix: sealift restore ENV _swarm --from /,
    );
    const text = await first.on.root(
      `sh ${script} ${swarmBackup} --from latest --confirm ${swarmBackup} 2>&1`,
    );
    assert.match(text, /it will stop: docker\.socket docker$/m);
    assert.match(text, /the engine has the swarm of the backup \(state pending\)$/m);
    assert.match(text, /^ +docker swarm init --force-new-cluster --advertise-addr 10\.9\.0\.1$/m);
    assert.equal(await caOf(first), ca);

    // What the message says, by a person.
    await first.docker(`swarm init --force-new-cluster --advertise-addr ${addresses[0]}`);
    assert.match(await servicesOf(first), /^shop \d\/3$/);
    assert.equal(
      await first.docker("config inspect --format '{{printf \"%s\" .Spec.Data}}' shop-config"),
      "of-a-config\n\n",
    );
    assert.equal((await first.docker("secret ls --format '{{.Name}}'")).trim(), "shop-secret");

    // Others join it by the next run.
    const token = (await first.docker("swarm join-token -q worker")).trim();
    await second.docker(`swarm join --token ${token} --advertise-addr ${addresses[1]} ${addresses[0]}:2377`);
    await convergeSwarm(first, site(2));
    const nodes = await first.docker("node ls --format '{{.Status}} {{.ManagerStatus}}'");
    assert.deepEqual(nodes.trim().split("\n").toSorted(), ["Ready Leader", "Ready Reachable"]);
    await first.on.root("timeout 90 sh -c 'until docker service ls | grep -q 3/3; do sleep 1; done'");
    const hidden = await first.on.root(
      "docker exec $(docker ps -q --filter name=shop | head -n 1) cat /run/secrets/shop-secret",
    );
    assert.equal(hidden, "of-a-secret\n");
  });

  test("is made again of the swarm that was restored", async () => {
    assert.ok(world);
    assert.equal(await world.backUp(swarmBackup), "success");
  });
});

describe("the backup of managers that are locked", () => {
  test("brings them back, with their keys, when more than half of them are restored: then nothing is forced", async () => {
    const stored: string[] = [];
    const swarm = await startSwarm("swarm-backup", pool);
    try {
      const [a, b] = swarm.nodes;
      await a.engine.docker("config create --label io.sealift.swarm=plant-1 sealift-swarm /etc/hostname");
      for (const { engine } of [a, b]) {
        await convergeSwarm(engine, site(3, true));
        const world = await startBackups(engine.on);
        const made = await engine.on.run("apply", stepsOf(world, engine, true));
        assert.ok(made.revision, made.text);
        assert.match(await world.restic("ls latest"), /^\/data\/unlock-key\/current\.age$/m);
        stored.push(await engine.on.root(`tar -C ${storeFolder} -c . | base64 -w 0`));
      }
    } finally {
      await swarm.end();
    }
    const nodes = await newHosts("swarm-backup-locked");
    for (const [at, engine] of nodes.entries()) {
      const world = await startBackups(engine.on);
      await engine.on.guest.exec(`sudo -n sh -c 'base64 -d | tar -C ${storeFolder} -x'`, {
        input: stored[at] ?? "",
      });
      await engine.on.run("apply", stepsOf(world, engine, true));
      const text = await engine.on.root(
        `sh ${script} ${swarmBackup} --from latest --confirm ${swarmBackup} 2>&1`,
      );
      assert.match(text, /\(state locked\)\n.*restore more than half of the managers .*\n.*current\.age /);
      assert.doesNotMatch(text, /force-new-cluster/);
    }
    const unlocked = await Promise.all(
      nodes.map(async ({ on }) => {
        const input = await recovery.decrypt(await on.root("cat /var/lib/sealift/swarm-unlock/current.age"));
        return on.guest.exec("sudo -n timeout 120 docker swarm unlock", {
          input,
        });
      }),
    );
    assert.deepEqual(
      unlocked.map(({ exitCode, stderr }) => [exitCode, stderr]),
      [
        [0, ""],
        [0, ""],
      ],
    );
    const [first] = nodes;
    const states = await first.docker("node ls --format '{{.ManagerStatus}}'");
    assert.deepEqual(states.trim().split("\n").toSorted(), ["Leader", "Reachable", "Unreachable"]);
    await convergeSwarm(first, site(2, true));
    assert.equal((await first.docker("node ls --quiet")).trim().split("\n").length, 2);

    // Once the quorum is lost, the finding does not lead to what makes it worse.
    await nodes[1].on.guest.kill();
    await first.on.root("timeout 90 sh -c 'while docker node ls >/dev/null 2>&1; do sleep 1; done'");
    const { exitCode, output } = await first.on.call("guard_swarm_quorum");
    assert.equal(exitCode, 1);
    assert.match(
      output,
      /^E_SWARM_QUORUM .*; fix: start .*restore more than half from their backups: with autolock, --force-new-cluster only locks /,
    );
    const force = `sudo -n timeout 60 docker swarm init --force-new-cluster --advertise-addr ${addresses[0]}`;
    assert.match((await first.on.guest.exec(force)).stderr, /Swarm is encrypted and needs to be unlocked/);
  });
});

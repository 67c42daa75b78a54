import assert from "node:assert/strict";
import { before, test } from "node:test";
import { loadImage, startEngine, type EngineInGuest } from "../support/guests/engine-in-guest.ts";
import { undoAfter } from "../support/process/undo.ts";

/** Faults of a new daemon.json: the error says why, the old file is restored, the engine and the container run. */
let engine: EngineInGuest;
let image: string;
const undo = undoAfter();
before(async () => {
  engine = await startEngine("daemon-faults");
  undo(() => engine.end());
  const { text } = await engine.on.run("apply", engine.daemon());
  image = await loadImage(engine).catch((error: unknown) => assert.fail(`${String(error)}\n${text}`));
  await engine.docker(`run -d --name stays ${image} sleep 100000`);
});

const file = (): Promise<string> => engine.on.root("cat /etc/docker/daemon.json");
const container = (): Promise<string> =>
  engine.docker("inspect --format '{{.State.Running}} {{.State.StartedAt}}' stays");

async function statuses(): Promise<readonly string[]> {
  const { steps } = await engine.on.run("check", engine.daemon());
  return steps.map(({ status }) => status);
}

/** Values that the schema would have refused; dockerd --validate takes them all. */
const bad: readonly [
  what: string,
  entries: Readonly<Record<string, unknown>>,
  said: RegExp,
  sameContainer: boolean,
][] = [
  ["a log option", { "log-opts": { "max-sizes": "20m" } }, /the daemon did not come up: .*max-sizes/, true],
  ["a listener beside the unit's", { hosts: ["fd://"] }, /the daemon did not come up: .*hosts/, true],
  ["a bip", { bip: "999.1.1.1/24" }, /the daemon did not come up: .*999\.1\.1\.1/, false],
];
for (const [what, entries, message, sameContainer] of bad) {
  test(`a bad value, ${what}: reported and rolled back, and nothing is lost`, async () => {
    const [fileBefore, containerBefore] = [await file(), await container()];
    const { steps, text } = await engine.on.run("apply", engine.daemon(entries));
    const failed = steps.find(({ status }) => status === "failed");
    assert.equal(failed?.code, "daemon.running", text);
    assert.match(failed.found, message);
    assert.match(failed.found, /the previous daemon\.json was restored and the daemon runs/);
    assert.equal(await file(), fileBefore);
    assert.deepEqual(await statuses(), ["ok", "ok", "ok", "ok"]);
    assert.match(await container(), /^true /);
    if (sameContainer) assert.equal(await container(), containerBefore);
  });
}

test("a daemon.json that dockerd --validate rejects is never installed", async () => {
  const [fileBefore, containerBefore] = [await file(), await container()];
  // The schema would have refused it.
  const { steps, text } = await engine.on.run("apply", engine.daemon({ "dns-search": ["a..b"] }));
  const failed = steps.find(({ status }) => status === "failed");
  assert.equal(failed?.code, "daemon.file", text);
  assert.match(failed.found, /a\.\.b/);
  assert.equal(await file(), fileBefore);
  assert.deepEqual([await container(), await statuses()], [containerBefore, ["ok", "ok", "ok", "ok"]]);
});

test("the start limit of three failures per minute is reset", async () => {
  const before = await container();
  await engine.on.root(
    "echo '{ broken' >/etc/docker/daemon.json && " +
      // systemd starts it again by itself until it gives up.
      "{ systemctl restart docker 2>/dev/null || true; } && " +
      "timeout 90 sh -c 'until systemctl is-failed -q docker.service; do sleep 0.2; done'",
  );
  const { steps } = await engine.on.run("check", engine.daemon());
  assert.match(steps[1]?.found ?? "", /docker\.service is (failed|activating)/);
  const { steps: applied, text } = await engine.on.run("apply", engine.daemon());
  assert.deepEqual(
    applied.map(({ status }) => status),
    ["changed", "changed", "ok", "ok"],
    text,
  );
  assert.equal(await container(), before);
  assert.equal(await engine.on.root("systemctl is-active docker.socket"), "active\n");
});

test("a killed daemon restarts by itself, and its container keeps running", async () => {
  const before = await container();
  await engine.on.root(
    "pid=$(systemctl show -P MainPID docker) && kill -9 $pid && timeout 90 sh -c 'until docker ps >/dev/null 2>&1 && systemctl is-active -q docker; do sleep 1; done'",
  );
  assert.equal(await container(), before);
  assert.deepEqual(await statuses(), ["ok", "ok", "ok", "ok"]);
});

test("a full data volume: the container keeps running, and with free space everything is healthy again", async () => {
  const before = await container();
  await engine.on.root(
    "fallocate -l $(df --output=avail -B1 /docker | tail -1) /docker/ballast || dd if=/dev/zero of=/docker/ballast bs=1M 2>/dev/null || true",
  );
  const { text } = await engine.on.run("apply", engine.daemon({ "log-level": "warn" }));
  assert.match(
    text,
    /E_STEP_FAILED daemon\.file: found: .* MiB free, and a daemon restarted there would not come up/,
  );
  assert.match(await engine.on.root("cat /sys/fs/cgroup/system.slice/docker-*.scope/cgroup.procs"), /\d/);
  await engine.on.root("rm /docker/ballast");
  const { steps, text: after } = await engine.on.run("apply", engine.daemon());
  assert.ok(!steps.some(({ status }) => status === "failed"), after);
  assert.deepEqual(await statuses(), ["ok", "ok", "ok", "ok"]);
  assert.equal(await container(), before);
});

test("containers that an interrupted run had stopped are started by the next run", async () => {
  const id = (await engine.docker("inspect --format '{{.Id}}' stays")).trim();
  await engine.on.root(`echo ${id} >/var/lib/sealift/containers-to-start`);
  await engine.docker("stop stays");
  const { steps } = await engine.on.run("check", engine.daemon());
  assert.equal(steps[1]?.found, "containers that an earlier run stopped are not started again");
  assert.equal(steps[1].effect, "none");
  await engine.on.run("apply", engine.daemon());
  assert.match(await container(), /^true /);
});

import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { Effect } from "../../modules/core/host/step.ts";
import { loadImage, startEngine, type EngineInGuest } from "../support/guests/engine-in-guest.ts";
import { undoAfter } from "../support/process/undo.ts";

/** daemon.json and the daemon on a real engine: the impact of a change is predicted, then the change is made and read back. */
let engine: EngineInGuest;
const undo = undoAfter();
before(async () => {
  engine = await startEngine("daemon");
  undo(() => engine.end());
});

type Entries = Readonly<Record<string, unknown>>;

async function apply(entries: Entries = {}): Promise<readonly string[]> {
  const { steps, text } = await engine.on.run("apply", engine.daemon(entries));
  assert.ok(!steps.some(({ status }) => status === "failed" || status === "refused"), text);
  return steps.map(({ code, status }) => `${code} ${status}`);
}

/** What a probe reports about steps that differ. */
async function reportedEffects(entries: Entries): Promise<readonly (string | undefined)[]> {
  const { steps } = await engine.on.run("check", engine.daemon(entries));
  return steps.filter(({ status }) => status !== "ok").map(({ code, effect }) => `${code} ${effect ?? ""}`);
}

const pidOf = (container: string): Promise<string> =>
  engine.docker(`inspect --format '{{.State.Running}} {{.State.Pid}}' ${container}`);
const daemonPid = (): Promise<string> => engine.on.root("systemctl show -P MainPID docker");

test("on a host where nothing ever ran, changes cost nothing and are reported in one line each", async () => {
  const { steps } = await engine.on.run("check", engine.daemon());
  assert.deepEqual(
    steps.map(({ code, status, found, effect }) => [code, status, found, effect]),
    [
      ["daemon.file", "drift", "no /etc/docker/daemon.json", "none"],
      [
        "daemon.running",
        "drift",
        "docker.service is inactive, docker.service is disabled, docker.socket is inactive, docker.socket is disabled",
        "none",
      ],
      ["daemon.listeners", "drift", "no engine runs", "none"],
      ["daemon.containers", "ok", "", undefined],
    ],
  );
});

test("the first apply changes the host, the second nothing", async () => {
  assert.deepEqual(await apply(), [
    "daemon.file changed",
    "daemon.running changed",
    "daemon.listeners ok",
    "daemon.containers ok",
  ]);
  assert.deepEqual(await apply(), [
    "daemon.file ok",
    "daemon.running ok",
    "daemon.listeners ok",
    "daemon.containers ok",
  ]);
  const image = await loadImage(engine);
  await engine.docker(`run -d --name stays ${image} sleep 100000`);
  assert.match(await engine.docker("exec stays busybox ps -o pid,args"), /^ +1 .*docker-init -- sleep/m);
});

const costs: readonly [what: string, entries: Entries, effect: Effect][] = [
  ["a label", { labels: ["rack=r1"] }, "reload"],
  [
    "a mirror and a time to stop",
    { "registry-mirrors": ["https://a.site"], "shutdown-timeout": 20 },
    "reload",
  ],
  ["live-restore off", { "live-restore": false }, "reload"],
  ["another log level", { "log-level": "warn" }, "restart"],
  ["a label and a log level", { labels: ["rack=r1"], "log-level": "warn" }, "restart"],
  ["live-restore off, and a restart", { "live-restore": false, "log-level": "warn" }, "containers-stop"],
  ["another docker0", { bip: "10.201.0.1/24" }, "containers-stop"],
  ["pools", { "default-address-pools": [{ base: "10.201.0.0/16", size: 24 }] }, "containers-stop"],
];
for (const [what, entries, effect] of costs) {
  test(`impact predicted beside a running container: ${what} is ${effect}`, async () => {
    const [file, ...others] = await reportedEffects(entries);
    assert.equal(file, `daemon.file ${effect}`);
    // What docker info does not report yet is reported with the file.
    assert.ok(
      others.every((other) => other === "daemon.running none"),
      others.join(),
    );
  });
}

test("a file that was changed manually but never loaded costs nothing", async () => {
  await engine.on.root(`sed -i 's/"log-driver": "local"/"log-driver": "json-file"/' /etc/docker/daemon.json`);
  const { steps } = await engine.on.run("check", engine.daemon());
  assert.equal(steps[0]?.found, '"log-driver": "json-file" in place of "log-driver": "local"');
  assert.equal(steps[0].effect, "none");
  assert.equal(steps[1]?.found, "the daemon has not loaded the present daemon.json");
  const pid = await daemonPid();
  assert.deepEqual(await apply(), [
    "daemon.file changed",
    "daemon.running ok",
    "daemon.listeners ok",
    "daemon.containers ok",
  ]);
  assert.equal(await daemonPid(), pid);
});

test("a reload changes the running daemon and nothing else", async () => {
  const [daemon, container] = [await daemonPid(), await pidOf("stays")];
  const entries = { labels: ["rack=r1", "row=3"], "shutdown-timeout": 20 };
  assert.deepEqual(await apply(entries), [
    "daemon.file changed",
    "daemon.running changed",
    "daemon.listeners ok",
    "daemon.containers ok",
  ]);
  assert.deepEqual([await daemonPid(), await pidOf("stays")], [daemon, container]);
  assert.match(await engine.docker("info --format '{{.Labels}}'"), /rack=r1/);
});

test("a key that a reload would keep is removed by a restart; the container keeps running", async () => {
  const [daemon, container] = [await daemonPid(), await pidOf("stays")];
  assert.equal((await reportedEffects({}))[0], "daemon.file restart");
  await apply();
  assert.notEqual(await daemonPid(), daemon);
  assert.equal(await pidOf("stays"), container);
  assert.equal(await engine.docker("info --format '{{.Labels}}'"), "[]\n");
});

test("a daemon that does not report what its file says is found and restarted", async () => {
  await engine.on.root(
    `sed -i 's/"log-driver": "local"/"log-driver": "journald"/; /log-opts/d' /etc/docker/daemon.json && systemctl restart docker`,
  );
  const { steps } = await engine.on.run("check", engine.daemon());
  assert.deepEqual(
    steps.map(({ effect }) => effect),
    ["restart", "none", undefined, undefined],
  );
  // As if the note of what was read were right.
  const [, ...entries] = engine.daemon()[0]?.call ?? [];
  await engine.on.call("apply_daemon_file", ...entries);
  await engine.on.root("cp /etc/docker/daemon.json /run/sealift/daemon.json.loaded");
  const { steps: read } = await engine.on.run("check", engine.daemon());
  assert.equal(
    read[1]?.found,
    'docker info says "LoggingDriver":"journald" in place of "LoggingDriver":"local"',
  );
  assert.equal(read[1].effect, "restart");
  await apply();
  assert.equal(await engine.docker("info --format '{{.LoggingDriver}}'"), "local\n");
});

test("another docker0 address stops the containers and starts them again", async () => {
  const container = await pidOf("stays");
  await apply({ bip: "10.201.0.1/24" });
  assert.match(await engine.on.root("ip -br address show docker0"), /10\.201\.0\.1\/24/);
  assert.match(await pidOf("stays"), /^true /);
  assert.notEqual(await pidOf("stays"), container);
});

test("a data-root that contains containers is not abandoned", async () => {
  const { steps } = await engine.on.run("check", engine.daemon({ "data-root": "/elsewhere" }));
  assert.equal(steps[0]?.status, "refused");
  assert.match(
    steps[0].found,
    /^E_DATA_ROOT data-root is \/docker and holds containers, which would be hidden with data-root \/elsewhere; fix: set data-root back to \/docker in the site, or stop docker\.service, .*, move \/docker with its content to \/elsewhere/,
  );
});

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { startFunctions, type ShellFunctions } from "../support/guests/shell-functions.ts";
import { container } from "../lab/machine-choice.ts";
import { undoAfter } from "../support/process/undo.ts";

/** What is refused on a host with existing data, and the impact of a switch: on folders as an engine leaves them. */
let on: ShellFunctions;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("engine-switch", container());
  undo(() => on.end());
  await on.root("mkdir -p /var/lib/sealift");
});

const root = "/srv/docker";
const ran = (version: string): Promise<string> => on.root(`ln -sfn ${version} /var/lib/sealift/engine-ran`);

const jumps: readonly [from: string, to: string, kind: string][] = [
  ["28.5.2", "28.5.2", "same"],
  ["28.5.1", "28.5.2", "patch"],
  ["28.5.2", "28.5.1", "patch"],
  ["28.4.0", "28.5.0", "up"],
  ["28.5.2", "29.0.0", "up"],
  ["28.9.0", "29.10.1", "up"],
  ["29.9.0", "29.10.0", "up"],
  ["26.1.5", "28.5.2", "skip"],
  ["26.1.5", "29.0.0", "skip"],
  ["20.10.24", "28.5.2", "skip"],
  ["29.10.0", "29.9.0", "down"],
  ["29.0.0", "28.5.2", "down"],
  ["27.5.1", "26.1.5", "down"],
  ["28.0.0", "27.5.1", "below-28"],
  ["29.0.0", "26.1.5", "below-28"],
];

test("every pair of versions is a switch of exactly one kind", async () => {
  const loop = `. /run/sealift-library.sh; while read -r from to; do upgrade_path "$from" "$to"; echo "$from $to $jump"; done`;
  const input = jumps.map(([from, to]) => `${from} ${to}\n`).join("");
  const { stdout } = await on.guest.exec(`sudo -n sh -euc '${loop}'`, { input });
  assert.deepEqual(
    stdout.trim().split("\n"),
    jumps.map((jump) => jump.join(" ")),
  );
});

/** from, to, containers on the host; what the guard says, nothing when the switch may be made. */
const guarded: readonly [from: string, to: string, containers: number, says: RegExp | undefined][] = [
  ["", "29.0.0", 3, undefined],
  ["28.5.2", "29.0.0", 3, undefined],
  ["29.0.1", "29.0.0", 3, undefined],
  ["26.1.5", "28.5.2", 0, undefined],
  [
    "26.1.5",
    "28.5.2",
    2,
    /^E_UPGRADE_PATH upgrade from 26\.1\.5 to 28\.5\.2 skips major version 27, .* 2 containers exist .*; fix: upgrade to version 27 first, or remove the containers/,
  ],
  ["29.0.0", "28.5.2", 0, undefined],
  [
    "29.0.0",
    "28.5.2",
    1,
    /^E_UPGRADE_PATH downgrade from 29\.0\.0 to 28\.5\.2 is not supported while 1 containers exist .*; fix: stay on 29\.0\.0 or later, or remove the containers/,
  ],
  [
    "28.0.0",
    "27.5.1",
    0,
    /^E_UPGRADE_PATH downgrade from 28\.0\.0 to 27\.5\.1 is not supported: .*; fix: stay on 28\.0\.0/,
  ],
];
test("what upstream does not support for existing containers is refused", async () => {
  // One login for all cases: under emulation it costs more than they do.
  const cases = guarded.map(([from, to, containers]) => {
    const folders = Array.from({ length: containers }, (_, index) => `${root}/containers/${index}`);
    const past = from === "" ? ":" : `ln -sfn ${from} /var/lib/sealift/engine-ran`;
    return `rm -rf ${root} /var/lib/sealift/engine-ran; mkdir -p ${[root, ...folders].join(" ")}; ${past}
      attempt guard_engine_current ${to} ${root}; echo "$attempt_status $attempt_output"\n`;
  });
  const input = `. /run/sealift-library.sh\nset -u\n${cases.join("")}`;
  const reported = (await on.guest.exec("sudo -n sh -s", { input })).stdout.split("\n");
  for (const [index, [from, to, containers, message]] of guarded.entries()) {
    const name = `${from || "nothing"} has run with ${containers} containers, ${to} is requested`;
    if (message === undefined) assert.equal(reported[index], "0 ", name);
    else assert.match(reported[index] ?? "", new RegExp(`^1 ${message.source.replace("^", "")}`), name);
  }
});

test("the impact of a switch depends on running containers, on live-restore and on the versions", async () => {
  const cost = async (to: string): Promise<string> =>
    (await on.call("effect_engine_current", to, root)).output;
  await ran("29.0.0");
  assert.equal(await cost("29.0.1"), "restart", "nothing runs");
  assert.equal(await cost("30.0.0"), "restart", "nothing runs");
  // A container as containerd's state has one: the process is this guest's first.
  await on.root(
    `mkdir -p /run/containerd/io.containerd.runtime.v2.task/moby/${"ab".repeat(32)} /run/sealift; printf 1 >/run/containerd/io.containerd.runtime.v2.task/moby/${"ab".repeat(32)}/init.pid`,
  );
  assert.equal(await cost("29.0.1"), "containers-stop", "without live-restore");
  await on.root(`printf '{\\n  "live-restore": true\\n}\\n' >/run/sealift/daemon.json.loaded`);
  assert.equal(await cost("29.0.1"), "restart", "a patch version with live-restore");
  assert.equal(await cost("29.1.0"), "containers-stop", "a minor version");
  assert.equal(await cost("30.0.0"), "containers-stop", "a major version");
  await on.root(
    `printf 999999 >/run/containerd/io.containerd.runtime.v2.task/moby/${"ab".repeat(32)}/init.pid`,
  );
  assert.equal(await cost("30.0.0"), "restart", "what is left of a container that has ended");
  await on.root("rm -r /run/containerd/io.containerd.runtime.v2.task");
});

test("no switch is made under containers whose daemon is down", async () => {
  await on.root(
    `mkdir -p /opt/docker /run/containerd/io.containerd.runtime.v2.task/moby/one; printf 1 >/run/containerd/io.containerd.runtime.v2.task/moby/one/init.pid; ln -sfn 29.0.0 /opt/docker/current`,
  );
  const { exitCode, output } = await on.call("apply_engine_current", "30.0.0", root);
  assert.equal(exitCode, 1);
  assert.match(output, /containers run without their daemon: docker\.service is inactive; start it first/);
  assert.equal(await on.root("readlink /opt/docker/current"), "29.0.0\n");
  assert.deepEqual(await on.call("check_engine_containers"), {
    exitCode: 1,
    output: "not checked since the switch from 29.0.0 to 30.0.0",
  });
  await on.root("rm -r /run/containerd /var/lib/sealift/engine-switch");
  assert.equal((await on.call("check_engine_containers")).exitCode, 0);
});

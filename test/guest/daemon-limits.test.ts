import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { ContainerLimitsSpec } from "../../modules/core/site/site-spec.ts";
import type { HostReport } from "../../modules/core/host/report.ts";
import { loadImage, startEngine, type EngineInGuest } from "../support/guests/engine-in-guest.ts";
import { vm } from "../lab/machine-choice.ts";
import { undoAfter } from "../support/process/undo.ts";

/** One limit for all containers together, enforced by the kernel. */
let engine: EngineInGuest;
let image: string;
const undo = undoAfter();
before(async () => {
  engine = await startEngine("daemon-limits", vm("limits"));
  undo(() => engine.end());
  const { steps, text } = await limited("apply", { memory: "96MiB", cpus: "50%", tasks: 200 });
  assert.ok(!steps.some(({ status }) => status === "failed"), text);
  image = await loadImage(engine);
});

function limited(
  mode: "check" | "apply",
  containerLimits: ContainerLimitsSpec,
): Promise<HostReport & { readonly text: string }> {
  return engine.on.run(mode, engine.daemon({ "cgroup-parent": "docker.slice" }, containerLimits));
}

const group = (file: string): Promise<string> => engine.on.root(`cat /sys/fs/cgroup/docker.slice/${file}`);

test("containers run in the slice, and the kernel has its limits", async () => {
  await engine.docker(
    `run -d --name holds ${image} sh -c 'dd if=/dev/zero of=/dev/shm/held bs=1M count=40 && sleep 100000'`,
  );
  const pid = (await engine.docker("inspect --format '{{.State.Pid}}' holds")).trim();
  assert.match(
    await engine.on.root(`cat /proc/${pid}/cgroup`),
    /^0::\/docker\.slice\/docker-[0-9a-f]+\.scope$/m,
  );
  assert.equal(await group("memory.max"), `${96 * 2 ** 20}\n`);
  // The lab's guests have two processors; half of them is one.
  assert.equal(await group("cpu.max"), "100000 100000\n");
  assert.equal(await group("pids.max"), "200\n");
  const { steps } = await limited("check", { memory: "96MiB", cpus: "50%", tasks: 200 });
  assert.deepEqual(
    steps.map(({ status }) => status),
    ["ok", "ok", "ok", "ok", "ok"],
  );
});

test("the kernel kills a container that exceeds the common limit", async () => {
  const { exitCode } = await engine.on.guest.exec(
    `sudo -n docker run --rm ${image} sh -c 'tail -c 200m /dev/zero >/dev/null'`,
  );
  assert.equal(exitCode, 137);
  assert.match(await group("memory.events"), /^oom_kill [1-9]/m);
});

test("a limit below what containers use is refused, and nothing is changed", async () => {
  await engine.on.root(
    "timeout 60 sh -c 'until [ $(cat /sys/fs/cgroup/docker.slice/memory.current) -gt 41943040 ]; do sleep 1; done'",
  );
  const { steps } = await limited("check", { memory: "32MiB" });
  assert.equal(steps[0]?.status, "refused");
  assert.match(
    steps[0].found,
    /^E_LIMIT_IN_USE containers use \d+ MiB, \d+ MiB of it not reclaimable; with a limit of 32 MiB .*; fix: stop containers/,
  );
  assert.equal(await group("memory.max"), `${96 * 2 ** 20}\n`);
});

test("new limits apply to running containers without a restart", async () => {
  const before = await engine.docker("inspect --format '{{.State.Pid}}' holds");
  const { steps } = await limited("check", { memory: "50%", cpus: 1.5, tasks: 300 });
  assert.deepEqual(
    steps.map(({ status, effect }) => [status, effect]),
    [
      ["drift", "none"],
      ["ok", undefined],
      ["ok", undefined],
      ["ok", undefined],
      ["ok", undefined],
    ],
  );
  await limited("apply", { memory: "50%", cpus: 1.5, tasks: 300 });
  assert.equal(await group("cpu.max"), "150000 100000\n");
  assert.equal(await group("pids.max"), "300\n");
  assert.ok(Number(await group("memory.max")) > 600 * 2 ** 20);
  assert.equal(await engine.docker("inspect --format '{{.State.Pid}}' holds"), before);
  const { steps: again } = await limited("apply", { memory: "50%", cpus: 1.5, tasks: 300 });
  assert.deepEqual(
    again.map(({ status }) => status),
    ["ok", "ok", "ok", "ok", "ok"],
  );
});

test("a limit that was changed manually is found and restored", async () => {
  await engine.on.root("systemctl set-property --runtime docker.slice TasksMax=99");
  const { steps } = await limited("check", { memory: "50%", cpus: 1.5, tasks: 300 });
  assert.equal(
    steps[0]?.found,
    "docker.slice is made or changed by /run/systemd/system.control/docker.slice.d/50-TasksMax.conf",
  );
  await limited("apply", { memory: "50%", cpus: 1.5, tasks: 300 });
  assert.equal(await group("pids.max"), "300\n");
});

test("a limit that the site no longer has is removed while containers run", async () => {
  const { steps } = await limited("apply", { tasks: 300 });
  assert.equal(steps[0]?.status, "changed");
  assert.equal(await group("memory.max"), "max\n");
  assert.equal(await group("cpu.max"), "max 100000\n");
  assert.equal(await group("pids.max"), "300\n");
});

test("a slice that Sealift did not create is not overwritten", async () => {
  await engine.on.root("printf '[Slice]\\nMemoryMax=1G\\n' >/etc/systemd/system/docker.slice");
  const { steps } = await limited("check", { tasks: 300 });
  assert.equal(steps[0]?.status, "refused");
  assert.match(
    steps[0].found,
    /^E_UNMANAGED_UNIT \/etc\/systemd\/system\/docker\.slice exists and was not created by Sealift; /,
  );
});

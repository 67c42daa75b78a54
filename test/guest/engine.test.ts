import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { before, test } from "node:test";
import { startFunctions, type Called, type ShellFunctions } from "../support/guests/shell-functions.ts";
import { container } from "../lab/machine-choice.ts";
import { undoAfter } from "../support/process/undo.ts";

/** From installed programs to an engine: the current version, commands, plugins, units, containerd. */
let on: ShellFunctions;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("engine", container());
  undo(() => on.end());
  await on.root("mkdir -p /opt/docker/1.2.3");
});

const plugin = '#!/bin/sh\necho \'{"SchemaVersion":"0.1.0"}\'\n';

/** Puts a blob where Pulumi's copy puts it, under its sha256. */
async function deliver(bytes: string): Promise<string> {
  const name = createHash("sha256").update(bytes).digest("hex");
  await on.guest.exec(`mkdir -p .sealift/blobs && cat >.sealift/blobs/${name}`, { input: bytes });
  return name;
}

const holds: Called = { exitCode: 0, output: "" };

test("the current version and its commands", async () => {
  assert.deepEqual(await on.call("check_engine_current", "1.2.3", "/data/docker"), {
    exitCode: 1,
    output: "no current version",
  });
  assert.deepEqual(await on.call("effect_engine_current", "1.2.3", "/data/docker"), {
    exitCode: 0,
    output: "none",
  });
  assert.deepEqual(await on.call("apply_engine_current", "1.2.3", "/data/docker"), holds);
  assert.deepEqual(await on.call("check_engine_current", "1.2.3", "/data/docker"), holds);
  assert.deepEqual(await on.call("check_engine_commands", "docker"), {
    exitCode: 1,
    output: "/usr/local/bin/docker: missing, or not a symlink",
  });
  await on.root("echo mine >/usr/local/bin/docker");
  const refused = await on.call("guard_engine_commands", "docker");
  assert.match(
    refused.output,
    /^E_UNMANAGED_ENGINE \/usr\/local\/bin\/docker is a file .*; fix: find out where it comes from/,
  );
  assert.equal((await on.call("apply_engine_commands", "docker")).exitCode, 1);
  await on.root("rm /usr/local/bin/docker");
  assert.deepEqual(await on.call("apply_engine_commands", "docker"), holds);
  assert.deepEqual(await on.call("check_engine_commands", "docker"), holds);
});

test("a plugin is installed byte for byte and linked where docker looks first", async () => {
  const name = await deliver(plugin);
  const args = ["compose", "2.0.0", name];
  assert.deepEqual(await on.call("apply_stored_blob", name, String(plugin.length)), holds);
  assert.deepEqual(await on.call("check_engine_plugin", ...args), {
    exitCode: 1,
    output: "/opt/docker/plugins/docker-compose-2.0.0 is absent",
  });
  assert.deepEqual(await on.call("apply_engine_plugin", ...args), holds);
  assert.deepEqual(await on.call("check_engine_plugin", ...args), holds);
  const link = "/usr/local/lib/docker/cli-plugins/docker-compose";
  await on.root(`ln -sfn /bin/true ${link}`);
  assert.deepEqual(await on.call("check_engine_plugin", ...args), {
    exitCode: 1,
    output: `${link}: /bin/true`,
  });
  await on.root("echo '#' >>/opt/docker/plugins/docker-compose-2.0.0");
  assert.match((await on.call("check_engine_plugin", ...args)).output, /docker-compose-2\.0\.0 is altered/);
  assert.deepEqual(await on.call("apply_engine_plugin", ...args), holds);
  assert.deepEqual(await on.call("check_engine_plugin", ...args), holds);
  await on.root(`rm ${link}; echo mine >${link}`);
  assert.match((await on.call("guard_engine_plugin", ...args)).output, /^E_UNMANAGED_ENGINE /);
});

test("a plugin that does not run on this host is never installed", async () => {
  const name = await deliver("\u007fELF of another processor");
  const args = ["buildx", "1.0.0", name];
  await on.call("apply_stored_blob", name, "26");
  assert.match(
    (await on.call("apply_engine_plugin", ...args)).output,
    /docker-buildx-1\.0\.0 does not run on this host/,
  );
  assert.match(
    (await on.call("check_engine_plugin", ...args)).output,
    /cli-plugins\/docker-buildx: missing, or not a symlink/,
  );
});

test("units: the files of this site, and the configuration that this containerd reads", async () => {
  const args = ["1.2.3", "/data/docker"];
  const absent = await on.call("check_engine_units", ...args);
  assert.match(
    absent.output,
    /^\/etc\/containerd\/config\.toml is absent, \/etc\/systemd\/system\/containerd\.service is absent, /,
  );
  assert.deepEqual(await on.call("apply_engine_units", ...args), holds);
  assert.deepEqual(await on.call("check_engine_units", ...args), holds);
  assert.match(
    await on.root("cat /etc/containerd/config.toml"),
    /^version = 3\nroot = "\/data\/docker\/containerd\/daemon"$/m,
  );
  await on.root(
    "mkdir -p /opt/docker/1.2.3/bin && ln -sfn 1.2.3 /opt/docker/current && cp /bin/true /opt/docker/1.2.3/bin/containerd",
  );
  await on.root(
    "systemd-analyze verify /etc/systemd/system/containerd.service /etc/systemd/system/docker.socket",
  );
  assert.equal(
    await on.root(
      "systemctl show docker.service -P KillMode -P Delegate -P RequiresMountsFor -P OOMScoreAdjust",
    ),
    "yes\n-500\nprocess\n/data/docker\n",
  );
  await on.root("sed -i s/KillMode=process/KillMode=mixed/ /etc/systemd/system/docker.service");
  assert.deepEqual(await on.call("check_engine_units", ...args), {
    exitCode: 1,
    output: "/etc/systemd/system/docker.service is altered",
  });
  assert.deepEqual(await on.call("apply_engine_units", ...args), holds);
  await on.root(
    "echo containerd github.com/containerd/containerd 1.7.24~ds1 x >/opt/docker/1.2.3/containerd-version",
  );
  assert.deepEqual(await on.call("check_engine_units", ...args), {
    exitCode: 1,
    output: "/etc/containerd/config.toml is altered",
  });
  // As a power cut leaves it: the program itself is asked.
  await on.root(
    `cd /opt/docker/1.2.3; printf '#!/bin/sh\\necho containerd x 1.7.24 y\\n' >bin/containerd; : >containerd-version`,
  );
  assert.deepEqual(await on.call("check_engine_units", ...args), {
    exitCode: 1,
    output: "/etc/containerd/config.toml is altered",
  });
});

test("a containerd whose unit is not running is reported, and so is a socket that leads to another process", async () => {
  assert.match((await on.call("check_containerd")).output, /^containerd\.service is inactive$/);
  const listens = (pid: string): ReturnType<ShellFunctions["call"]> =>
    on.call("eval", `process_inspect ${pid} && process_alone_on /run/containerd/containerd.sock`);
  assert.match((await listens("1")).output, /containerd\.sock does not exist/);
  await on.root(
    `mkdir -p /run/containerd; systemd-run -q -u other python3 -c 'import socket,time; s=socket.socket(socket.AF_UNIX); s.bind("/run/containerd/containerd.sock"); s.listen(); time.sleep(1000)'; until [ -S /run/containerd/containerd.sock ]; do sleep 0.2; done`,
  );
  assert.match((await listens("1")).output, /^another process listens on/);
  const pid = (await on.root("systemctl show -P MainPID other")).trim();
  assert.equal((await listens(pid)).exitCode, 0);
  await on.root("systemctl kill -s KILL other");
  assert.match((await listens(pid)).output, /no process listens on/, "a stale socket");
});

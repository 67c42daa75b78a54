import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Diagnosis } from "../../modules/rollout/diagnosis.ts";
import { fingerprintOf } from "../../modules/environments/host-keys.ts";
import { startAgent, type Agent } from "../lab/agent.ts";
import { checkout } from "../lab/cache.ts";
import { removeGuest, startGuest, type Guest } from "../lab/guest.ts";
import { prepareLab, type Lab } from "../lab/prepare.ts";
import { labSite, removeStackFile, writeStack } from "../lab/pulumi/stack.ts";
import { keepTranscript } from "../lab/demo/transcript.ts";
import { vm } from "../lab/machine-choice.ts";
import { runProcess, type ProcessResult } from "../support/process/run-process.ts";
import { silentPort } from "../support/servers/silent-port.ts";
import { undoAfter } from "../support/process/undo.ts";

/** The real command, on a healthy bare host, and on the same host after several faults. */
describe("sealift doctor", () => {
  const stack = "lab-doctor";
  let lab: Lab;
  let guest: Guest;
  let agent: Agent;
  const undo = undoAfter();
  before(async () => {
    lab = await prepareLab();
    await removeGuest("node-a");
    guest = await startGuest({ name: "node-a", machine: vm("clock") });
    undo(() => guest.stop());
    agent = await startAgent(guest.identityFile);
    undo(() => agent.stop());
    await writeStack(stack, await labSite([guest], lab.bundle));
  });
  after(async () => {
    await removeStackFile(stack);
    await removeGuest("node-a");
  });

  const doctor = (...more: readonly string[]): Promise<ProcessResult> =>
    runProcess(process.execPath, [join("cli", "sealift.js"), "doctor", stack, ...more], {
      cwd: checkout,
      env: { SSH_AUTH_SOCK: agent.socket },
    });
  const kept = (name: string, { stdout }: ProcessResult): void => {
    keepTranscript(name, `$ sealift doctor ${stack}\n${stdout}`);
  };

  test("the first site file is written from the host's inventory, and passes", async () => {
    const environment = "lab-init";
    await removeStackFile(environment);
    const run = (...words: string[]): Promise<ProcessResult> =>
      runProcess(process.execPath, [join("cli", "sealift.js"), ...words], {
        cwd: checkout,
        env: { SSH_AUTH_SOCK: agent.socket },
      });
    const { bundle } = await labSite([guest], lab.bundle);
    const result = await run(
      ...["init", environment, "--host", `node-a=${guest.address}:${guest.port}`, "--ssh-user", guest.login],
      ...["--host-key", fingerprintOf(guest.hostKey), "--engine", lab.bundle.engineVersion],
      ...["--bundle", bundle["directory"] ?? "", "--allowed-signers", bundle["allowedSigners"] ?? ""],
      ...["--lock", `${bundle["directory"] ?? ""}/bundle.lock.yaml`],
    );
    assert.equal(result.exitCode, 0, result.stderr);
    const checked = await run("check", environment);
    const shown = await run("show", environment, "--origin");
    await removeStackFile(environment);
    assert.equal(checked.exitCode, 0, checked.stdout + checked.stderr);
    assert.match(shown.stdout, new RegExp(`volumes\\.disks +\\[\\{"id":"${guest.diskId}"`));
    assert.match(shown.stdout, /default-address-pools +\[{"base":"172\.30\.0\.0\/16","size":24}\]/);
  });

  test("a healthy bare host: nothing fails, and the probe has changed nothing", async () => {
    const result = await doctor();
    kept("doctor-well", result);
    const { exitCode, stdout, stderr } = result;
    assert.equal(exitCode, 0, stdout + stderr);
    assert.match(stdout, /^lab-doctor: bundle serial \d+, 1 host\n\n +node-a\n/);
    assert.match(stdout, /^all other host checks +pass$/m);
    assert.match(stdout, /^volumes +\d+ changes$/m);
    assert.match(stdout, /\d+ changes pending, listed by pulumi preview --stack lab-doctor\.$/);
    assert.doesNotMatch(stdout, /FAIL|\x1b/);
    const untouched = "! getent group docker && ! test -e /var/lib/sealift && ! test -e .sealift";
    assert.equal((await guest.exec(untouched)).exitCode, 0);
  });

  test("a broken host beside one that does not answer: each finding with its remedy", async () => {
    const { exitCode: broken, stderr: errors } = await guest.exec(
      `sudo -n sh -c '${breakages.join(" && ")}'`,
    );
    assert.equal(broken, 0, errors);
    const site = await labSite([guest], lab.bundle);
    const [first = {}] = site.hosts;
    site.hosts.push({ ...first, name: "node-b", port: await silentPort() });
    await writeStack(stack, site);
    const result = await doctor();
    kept("doctor-unwell", result);
    assert.equal(result.exitCode, 78, result.stdout + result.stderr);
    assert.match(result.stdout, /^reachable +pass +FAIL$/m);
    for (const row of ["clock", "engine", "space"]) {
      assert.match(result.stdout, new RegExp(`^${row} +FAIL +-$`, "m"));
    }
    assert.match(result.stdout, /^FAIL {2}node-b: E_HOST_UNREACHABLE ops@127\.0\.0\.1:\d+$/m);
    assert.match(result.stdout, /^ {2}found +the host's clock is \d+ s behind$/m);
    assert.match(result.stdout, /^ {2}found +\/opt is on \/opt, mounted noexec$/m);

    const { stdout, exitCode } = await doctor("--json", "--rehash");
    assert.equal(exitCode, 78);
    const { ok, hosts } = JSON.parse(stdout) as Diagnosis;
    assert.equal(ok, false);
    assert.deepEqual(
      hosts.map(({ name, reached }) => [name, reached]),
      [
        ["node-a", true],
        ["node-b", false],
      ],
    );
    assert.deepEqual(
      hosts.flatMap(({ findings }) =>
        findings.flatMap(({ verdict, code }) => (verdict === "fail" ? [code] : [])),
      ),
      ["E_CLOCK", "E_UNMANAGED_ENGINE", "E_MOUNT_OPTIONS", "E_HOST_UNREACHABLE"],
    );
  });
});

/** What a host is found like: each of it happens. */
const breakages = [
  "date -s @$(($(date +%s) - 600)) >/dev/null",
  "mkdir -p /usr/libexec/docker",
  "touch /usr/libexec/docker/docker-proxy",
  "mount -t tmpfs -o noexec,mode=0755 none /opt",
  "ip route add blackhole 172.20.0.0/16",
  "ip link set ens3 mtu 1400",
];

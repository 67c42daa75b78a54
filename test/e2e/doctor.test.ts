import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Diagnosis } from "../../modules/diagnosis.ts";
import { fingerprintOf } from "../../modules/host-keys.ts";
import { startAgent, type Agent } from "../lab/agent.ts";
import { checkout } from "../lab/cache.ts";
import { removeGuest, startGuest, type Guest } from "../lab/guest.ts";
import { prepareLab, type Lab } from "../lab/prepare.ts";
import { labSite, removeStackFile, writeStack } from "../lab/stack.ts";
import { keepTranscript } from "../lab/transcript.ts";
import { vm } from "../lab/machine-choice.ts";
import { runProcess, type ProcessResult } from "../support/run-process.ts";
import { silentPort } from "../support/silent-port.ts";
import { undoAfter } from "../support/undo.ts";

/** The real command, on a host that is bare and well, and on the same host after a bad day. */
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

  test("the first site file is written from what the host says, and passes", async () => {
    const environment = "lab-init";
    await removeStackFile(environment);
    const run = (...words: string[]): Promise<ProcessResult> =>
      runProcess(process.execPath, [join("cli", "sealift.js"), ...words], {
        cwd: checkout,
        env: { SSH_AUTH_SOCK: agent.socket },
      });
    const { bundle } = await labSite([guest], lab.bundle);
    const result = await run(
      ...["init", environment, "--host", `node-a=${guest.address}:${guest.port}`, "--login", guest.login],
      ...["--host-key", fingerprintOf(guest.hostKey), "--engine", lab.bundle.engineVersion],
      ...["--bundle", bundle["directory"] ?? "", "--signers", bundle["allowedSigners"] ?? ""],
      ...["--lock", `${bundle["directory"] ?? ""}/bundle.lock.yaml`],
    );
    assert.equal(result.exitCode, 0, result.stderr);
    const checked = await run("check", environment);
    const shown = await run("show", environment, "--origin");
    await removeStackFile(environment);
    assert.equal(checked.exitCode, 0, checked.stdout + checked.stderr);
    assert.match(shown.stdout, new RegExp(`volumes\\.disk +${guest.diskId}`));
    assert.match(shown.stdout, /default-address-pools +\[{"base":"172\.30\.0\.0\/16","size":24}\]/);
  });

  test("a bare host that is well: nothing fails, and nothing was changed by looking", async () => {
    const result = await doctor();
    kept("doctor-well", result);
    const { exitCode, stdout, stderr } = result;
    assert.equal(exitCode, 0, stdout + stderr);
    assert.match(stdout, /^lab-doctor: bundle serial \d+, 1 host\n\n +node-a\n/);
    assert.match(stdout, /^all other host checks +pass$/m);
    assert.match(stdout, /^volumes +\d+ changes$/m);
    assert.match(stdout, /\d+ facts to be made true: pulumi preview --stack lab-doctor lists them\.$/);
    assert.doesNotMatch(stdout, /FAIL|\x1b/);
    const untouched = "! getent group docker && ! test -e /var/lib/sealift && ! test -e .sealift";
    assert.equal((await guest.exec(untouched)).exitCode, 0);
  });

  test("after a bad day, beside a host that does not answer: each finding with what to do", async () => {
    const { exitCode: broken, stderr: said } = await guest.exec(`sudo -n sh -c '${badDay.join(" && ")}'`);
    assert.equal(broken, 0, said);
    const site = await labSite([guest], lab.bundle);
    const [first = {}] = site.hosts;
    site.hosts.push({ ...first, name: "node-b", port: await silentPort() });
    await writeStack(stack, site);
    const result = await doctor();
    kept("doctor-unwell", result);
    assert.equal(result.exitCode, 78, result.stdout + result.stderr);
    assert.match(result.stdout, /^can be looked at +pass +FAIL$/m);
    for (const row of ["clock", "engine", "room"]) {
      assert.match(result.stdout, new RegExp(`^${row} +FAIL +-$`, "m"));
    }
    assert.match(result.stdout, /^FAIL {2}node-b: E_HOST_UNREACHABLE ops@127\.0\.0\.1:\d+$/m);
    assert.match(result.stdout, /^ {2}found +the host is \d+ s behind$/m);
    assert.match(result.stdout, /^ {2}found +\/opt is on \/opt, mounted noexec$/m);

    const { stdout, exitCode } = await doctor("--json", "--deep");
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
      ["E_CLOCK", "E_FOREIGN_ENGINE", "E_MOUNT_OPTIONS", "E_HOST_UNREACHABLE"],
    );
  });
});

/** What a host is found like: each of it happens. */
const badDay = [
  "date -s @$(($(date +%s) - 600)) >/dev/null",
  "mkdir -p /usr/libexec/docker",
  "touch /usr/libexec/docker/docker-proxy",
  "mount -t tmpfs -o noexec,mode=0755 none /opt",
  "ip route add blackhole 172.20.0.0/16",
  "ip link set ens3 mtu 1400",
];

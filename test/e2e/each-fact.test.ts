import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { lookAtSite, readInputs } from "../../modules/look.ts";
import type { HostPhases } from "../../modules/phases.ts";
import { startProvisionedSite } from "../support/provisioned-site.ts";
import { shellOn, type ShellFunctions } from "../support/shell-functions.ts";
import type { SiteUnderTest } from "../support/site-under-test.ts";

interface Breakage {
  readonly command: string;
  /** Facts that cannot hold either while this one does not. */
  readonly also?: readonly string[];
}

/** By hand on the host, one at a time. */
const breakages: Readonly<Record<string, Breakage>> = {
  "volumes.logs.filesystem": {
    command:
      "systemctl stop logs.mount && e2fsck -fp /dev/vg0/logs && resize2fs /dev/vg0/logs 200M && systemctl start logs.mount",
  },
  "volumes.svc.mount": { command: "systemctl disable --now svc.mount" },
  "users.group": {
    command: "groupdel docker",
    also: ["users.deploy.docker", "daemon.running", "daemon.listeners"],
  },
  "users.deploy": { command: "usermod --shell /bin/sh deploy" },
  "users.deploy.docker": { command: "gpasswd --delete deploy docker" },
  "users.deploy.password": { command: "echo deploy:known | chpasswd" },
  "users.deploy.expiry": { command: "chage --expiredate 2020-01-01 deploy" },
  "users.deploy.keys": { command: "echo '# a key' >>/home/deploy/.ssh/authorized_keys" },
  "users.deploy.sudo": { command: "echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/sealift-deploy" },
  "users.leavers": {
    command:
      "useradd --uid 1600 gone && usermod --append --groups docker gone && echo gone >>/var/lib/sealift/users",
    also: ["users.strangers"],
  },
  "engine.data-root": { command: "rm /var/lib/sealift/data-root" },
  "engine.store": { command: "rm /var/lib/sealift/image-store" },
  "engine.files": { command: "truncate --size -1 /opt/docker/current/bin/ctr" },
  "engine.current": {
    command: "ln -sfn nowhere /opt/docker/current",
    also: ["engine.containerd", "daemon.running", "daemon.containers"],
  },
  "engine.commands": { command: "rm /usr/local/bin/docker", also: ["daemon.running", "daemon.containers"] },
  "engine.units": { command: "echo '# by hand' >>/etc/systemd/system/docker.service" },
  "engine.containerd": { command: "systemctl disable containerd" },
  "daemon.file": {
    command: `sed -i 's/"log-driver": "local"/"log-driver": "json-file"/' /etc/docker/daemon.json`,
    also: ["daemon.running"],
  },
  "daemon.running": {
    command: "systemctl stop docker.service docker.socket",
    also: ["daemon.listeners", "daemon.containers"],
  },
  "daemon.listeners": { command: "chmod 0666 /run/docker.sock" },
};

/** What no hand breaks without loss, and where it is tried instead. */
const elsewhere: Readonly<Record<string, string>> = {
  "volumes.group": "test/guest/volumes*.test.ts",
  "volumes.svc": "test/guest/volumes*.test.ts",
  "volumes.logs": "test/guest/volumes*.test.ts",
  "volumes.data": "line.test.ts: growth and shrink",
  "volumes.svc.filesystem": "the same fact as that of logs",
  "volumes.data.filesystem": "line.test.ts: growth",
  "volumes.logs.mount": "line.test.ts",
  "volumes.data.mount": "faults.test.ts",
  "users.strangers": "reported only: test/e2e/users.test.ts",
  "engine.shadows": "refused only: test/guest/effective.test.ts",
  "engine.archive": "below, with up: it has to travel again",
  "daemon.containers": "test/e2e/engine-versions.test.ts",
};

describe("each fact, broken by hand", () => {
  let site: SiteUnderTest;
  let on: ShellFunctions;
  let phases: HostPhases;
  before(async () => {
    site = await startProvisionedSite("each-fact");
    process.env["SSH_AUTH_SOCK"] = site.env["SSH_AUTH_SOCK"];
    on = await shellOn(site.guest);
    phases = (await look()).phases;
  });
  after(() => site.end());

  /** The same look that preview and up take. */
  async function look(): Promise<{ phases: HostPhases; wrong: readonly string[] }> {
    const { hosts } = await lookAtSite(await readInputs(await site.value(), site.file));
    const [look] = hosts;
    assert.ok(look?.planned);
    const { planned, probe } = look;
    assert.equal(probe.kind, "reached", JSON.stringify(probe));
    const own = probe.report.steps.filter(({ code }) => !code.startsWith("preflight."));
    return {
      phases: planned.phases,
      wrong: own.filter(({ status }) => status !== "ok").map(({ code }) => code),
    };
  }

  test("every fact of the site is in one of the two lists", () => {
    const { volumes, users, engine, daemon } = phases;
    const codes = [volumes, users, engine, daemon].flatMap(({ steps }) => steps.map(({ code }) => code));
    assert.deepEqual([...Object.keys(breakages), ...Object.keys(elsewhere)].toSorted(), codes.toSorted());
  });

  test("none differs on a host that was provisioned", async () => {
    assert.deepEqual((await look()).wrong, []);
  });

  for (const [code, { command, also = [] }] of Object.entries(breakages)) {
    test(code, async () => {
      await on.root(`{ ${command}; } >/dev/null 2>&1`);
      const { wrong } = await look();
      const named = wrong.filter((one) => !also.includes(one));
      assert.deepEqual(named, [code]);
      const { volumes, users, engine, daemon } = phases;
      const steps = [volumes, users, engine, daemon].flatMap((phase) => phase.steps);
      const report = await on.run("apply", steps);
      const changed = report.steps.filter(({ status }) => status === "changed").map((step) => step.code);
      assert.deepEqual(
        changed.filter((one) => !also.includes(one)),
        [code],
        report.text,
      );
      assert.ok(report.mark, report.text);
    });
  }

  test("after all of them nothing differs", async () => {
    assert.deepEqual((await look()).wrong, []);
  });

  test("what has to travel again is sent by up", async () => {
    await on.root("rm /var/lib/sealift/blobs/* && rm -r ~ops/.sealift");
    const { exitCode, output } = await site.pulumi("up", "--yes", "--skip-preview");
    assert.equal(exitCode, 0, output);
    assert.deepEqual((await look()).wrong, []);
  });
});

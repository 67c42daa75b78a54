import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { stateDir } from "../lab/pulumi/pulumi-env.ts";
import { labUser, type LabSite } from "../lab/pulumi/stack.ts";
import { dockerClient } from "../support/guests/docker-client.ts";
import { startProvisionedSite } from "../support/guests/provisioned-site.ts";
import type { SiteUnderTest } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

/** Made up: nobody's password. */
const hash = `$6$sealiftTest$${"wQ3".repeat(28)}xy`;

/**
 * All command lines of the host: over and over until /run/sampling goes, and at the moment when chpasswd(8) is called, for which
 * whoever calls it waits. Programs of /usr/local/sbin come first in a run.
 */
const sampling = `sudo tee /usr/local/sbin/chpasswd >/dev/null <<'END'
#!/bin/sh
cat /proc/[0-9]*/cmdline 2>/dev/null >>/run/sampled
exec /usr/sbin/chpasswd "$@"
END
sudo chmod 755 /usr/local/sbin/chpasswd && sudo touch /run/sampling && sudo sh -c '
  while [ -e /run/sampling ]; do cat /proc/[0-9]*/cmdline >>/run/sampled; sleep 0.5; done >/dev/null 2>&1 &'`;

/** Users in daily work: a secret, remote use, a home on a volume, a removed user, an unmanaged member. */
describe("users on a host", () => {
  let site: SiteUnderTest;
  let outputs = "";
  const commandLines = new Set<string>();
  const sampler = setInterval(() => {
    sampleCommandLines(commandLines);
  }, 250);
  const undo = undoAfter();
  before(async () => {
    site = await startProvisionedSite("people");
    undo(() => site.end());
    await site.write(withPeople);
    const { exitCode, output } = await site.pulumi(
      "config",
      ...["set", "--secret", "--path", "sealift:site.users[0].passwordHash", hash],
    );
    assert.equal(exitCode, 0, output);
    // What the test itself has just put on a command line does not count.
    commandLines.clear();
  });
  after(() => {
    clearInterval(sampler);
  });

  const pulumi = async (...args: string[]): Promise<string> => {
    const { exitCode, output } = await site.pulumi(...args);
    outputs += output;
    assert.equal(exitCode, 0, output);
    return output;
  };
  const up = (...more: string[]): Promise<string> => pulumi("up", "--yes", "--skip-preview", ...more);
  const onHost: SiteUnderTest["onHost"] = (...call) => site.onHost(...call);

  test("a hash that was set with --secret arrives, and is never on a command line", async () => {
    await pulumi("preview", "--diff");
    await onHost(sampling);
    await up();
    await onHost("sudo rm /run/sampling /usr/local/sbin/chpasswd");
    assert.equal(await onHost(`sudo getent shadow ${labUser} | cut -d : -f 2`), `${hash}\n`);
    const sampled = await onHost("sudo cat /run/sampled | tr '\\0' ' '");
    assert.match(sampled, /\/run\/sealift\/library\/[0-9a-f]{64}\.sh apply/, "the sampling saw the run");
    assert.ok(!sampled.includes(hash));
    assert.ok([...commandLines].some((line) => line.includes("pulumi")));
    assert.ok(![...commandLines].some((line) => line.includes(hash)));
  });

  test("nothing is left to do, and a password that somebody changed is drift without its hash", async () => {
    assert.match(await up("--expect-no-changes"), /\d+ unchanged/);
    await onHost("sudo chpasswd -e", undefined, `${labUser}:${hash.replace("wQ3", "abc")}\n`);
    assert.match(
      await pulumi("preview", "--diff"),
      new RegExp(
        `users\\.${labUser}\\.password: found: a different password; expected: ${labUser} has the password from the site; `,
      ),
    );
    await onHost("sudo chpasswd -e", undefined, `${labUser}:${hash}\n`);
  });

  test("an operator's docker client works on the host through ssh, as that user", async () => {
    const docker = await dockerClient(site.lab.bundle, site.guest);
    try {
      const url = `host=ssh://${labUser}@127.0.0.1:${site.guest.port}`;
      const made = await docker.run("context", "create", "lab", "--docker", url);
      assert.equal(made.exitCode, 0, made.stderr);
      const { stdout, stderr, exitCode } = await docker.run(
        "--context",
        "lab",
        "info",
        "--format",
        "{{.Name}} {{.DockerRootDir}}",
      );
      assert.equal(exitCode, 0, stderr);
      assert.equal(stdout.trim(), `${(await onHost("hostname")).trim()} /data/docker`);
      const version = await docker.run("--context", "lab", "version", "--format", "{{.Server.Version}}");
      assert.match(version.stdout, new RegExp(`^${site.lab.bundle.engineVersion.replaceAll(".", "\\.")}`));
    } finally {
      docker.end();
    }
  });

  test("a home on a volume, a group of the site, no docker, one command with sudo", async () => {
    assert.equal(await onHost("id -nG && pwd", "batch"), "batch app\n/svc/home/batch\n");
    assert.equal(await onHost("findmnt -nro TARGET -T /svc/home/batch"), "/svc\n");
    assert.match(await onHost("docker ps 2>&1 || true", "batch"), /permission denied/);
    assert.equal(await onHost("sudo -n /usr/bin/id -u", "batch"), "0\n");
    assert.match(await onHost("sudo -n /usr/bin/id 2>&1 || true", "batch"), /password is required/);
  });

  test("an unmanaged member of the group is a warning and no change", async () => {
    await onHost("sudo useradd -G docker stranger");
    const output = await up("--expect-no-changes");
    assert.match(
      output,
      /warning: people: E_UNMANAGED_MEMBERS users\.unmanaged: found: members not listed in the site: stranger; expected: .*; fix: add them to users/,
    );
  });

  test("a removed user is reported by the preview, locked by the run, and still has the home", async () => {
    await site.write((text) => {
      withPeople(text);
      text.users.splice(1, 1);
    });
    await pulumi("config", "set", "--secret", "--path", "sealift:site.users[0].passwordHash", hash);
    assert.match(
      await pulumi("preview"),
      /users\.removed: found: batch: has a sudo rule, not locked; expected: users removed from the site keep no access that Sealift granted; /,
    );
    await up();
    assert.equal((await site.guest.exec("true", { login: "batch" })).exitCode, 255);
    await onHost("test -d /svc/home/batch && ! sudo test -e /etc/sudoers.d/sealift-batch");
    await up("--expect-no-changes");
  });

  test("the hash is in no output, no state, no file except shadow, no journal", async () => {
    assert.ok(!(await pulumi("stack", "export")).includes(hash));
    assert.ok(!outputs.includes(hash));
    assert.match(outputs, /\[secret\]/, "the plan shows as a secret");
    assert.ok(!outputs.includes("wQ3wQ3"));
    assert.throws(
      () => execFileSync("grep", ["-rqF", "-f", "-", stateDir], { input: "wQ3wQ3" }),
      "grep finds nothing",
    );
    const files = await onHost(
      "sudo grep -rlsF -f - /etc /home /root /run /svc /tmp /var | sort",
      undefined,
      "wQ3wQ3",
    );
    assert.deepEqual(files.trim().split("\n"), ["/etc/shadow", "/etc/shadow-"]);
    assert.equal(await onHost("sudo journalctl --no-pager | grep -c wQ3wQ3 || true"), "0\n");
  });
});

function withPeople(text: LabSite): void {
  const [deploy] = text.users;
  Object.assign(text, { groups: [{ name: "app", gid: 2000 }] });
  text.users.push({
    ...deploy,
    ...{ name: "batch", uid: 1600, home: "/svc/home/batch", groups: ["app"], docker: false },
    sudo: ["/usr/bin/id -u"],
  });
}

/** Of every process of this machine that this user may read. */
function sampleCommandLines(seen: Set<string>): void {
  for (const id of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      seen.add(readFileSync(`/proc/${id}/cmdline`, "utf8"));
    } catch {
      // It has ended in between.
    }
  }
}

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { imageArchive } from "../lab/bundle/image-archive.ts";
import { labUser } from "../lab/pulumi/stack.ts";
import { library } from "../support/fixtures/example-host.ts";
import { siteMachine, startSite, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

/** Changes of daemon.json on a host with running containers. */
describe("daemon.json of a host with running containers", () => {
  let site: SiteUnderTest;
  const undo = undoAfter();
  before(async () => {
    site = await startSite("daemon-changes", siteMachine);
    undo(() => site.end());
    await converges();
    const { bundle } = site.lab;
    await onHost("docker load", labUser, await imageArchive(bundle));
    await onHost(`docker run -d --name counter --restart always ${bundle.image} sleep 100000`, labUser);
  });

  const onHost: SiteUnderTest["onHost"] = (...call) => site.onHost(...call);
  const converges = async (): Promise<void> => {
    const { exitCode, output } = await site.up();
    assert.equal(exitCode, 0, output);
  };
  const facts = async (): Promise<{ readonly failing: readonly string[] } | undefined> => {
    const { output } = await site.pulumi("stack", "output", "--json");
    const { hosts } = JSON.parse(output) as {
      hosts: Record<string, { facts: { failing: readonly string[] } }>;
    };
    return hosts["daemon-changes"]?.facts;
  };
  const unchanged = async (): Promise<void> => {
    const { exitCode, output } = await site.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
    assert.equal(exitCode, 0, output);
    assert.match(output, /\d+ unchanged/);
  };

  test("the same fact, broken again in the same way, is corrected again, also on a host restored with its journal", async () => {
    const journal = await onHost("sudo cat /var/lib/sealift/journal");
    for (const time of ["once", "again"]) {
      await onHost(
        `sudo sed -i 's/"log-driver": "local"/"log-driver": "json-file"/' /etc/docker/daemon.json`,
      );
      const { exitCode, output } = await site.up();
      assert.equal(exitCode, 0, output);
      assert.match(output, /1 updated/, time);
      assert.match(await onHost("cat /etc/docker/daemon.json"), /"log-driver": "local"/);
      await unchanged();
      // As a snapshot of the time before has it.
      await onHost("sudo tee /var/lib/sealift/journal >/dev/null", undefined, journal);
    }
  });

  test("what is undone during the run is found afterwards, and the run fails", async () => {
    await site.write((text) => {
      text.daemon["labels"] = ["rack=r0"];
    });
    // The users' phase is in sync and not run; the daemon reloads after it.
    const undoing = `#!/bin/sh\n[ "$1" != reload ] || gpasswd -d deploy docker\nexec /usr/bin/systemctl "$@"\n`;
    await onHost(
      "sudo sh -c 'cat >/usr/local/sbin/systemctl; chmod 755 /usr/local/sbin/systemctl'",
      undefined,
      undoing,
    );
    const { exitCode, output } = await site.up();
    await onHost("sudo rm /usr/local/sbin/systemctl");
    assert.notEqual(exitCode, 0, output);
    assert.match(
      output,
      /daemon-changes: E_FACT users\.deploy\.docker: found: not a member; expected: user deploy is in group docker; /,
    );
    assert.deepEqual((await facts())?.failing, ["users.deploy.docker"]);
    await site.write();
    await converges();
    assert.deepEqual((await facts())?.failing, []);
    await unchanged();
  });

  test("a daemon that does not start gets its old daemon.json back, and containers keep running", async () => {
    const expected = await onHost("cat /etc/docker/daemon.json");
    // dockerd --validate lets this through, and the daemon dies of it.
    await onHost(`sudo sed -i 's/^{/{\\n  "cgroup-parent": "nonsense",/' /etc/docker/daemon.json`);
    const { engineVersion } = site.lab.bundle;
    const call = `sudo sh -c '. ./.sealift/${library.sha256}.sh; set -e; apply_daemon_running ${engineVersion}'`;
    const { stdout, exitCode } = await site.guest.exec(call);
    assert.notEqual(exitCode, 0);
    assert.match(
      stdout,
      /the daemon did not come up: .*cgroup-parent.*; the previous daemon\.json was restored and the daemon runs/s,
    );
    assert.match(stdout, /cgroup-parent/, "the tail of the journal says why");
    assert.equal(await onHost("cat /etc/docker/daemon.json"), expected);
    assert.equal(await onHost("docker ps --format '{{.Names}}'", labUser), "counter\n");
    await unchanged();
  });

  test("keys that dockerd reloads cost no restart", async () => {
    const pid = await onHost("systemctl show -P MainPID docker");
    await site.write((text) => {
      text.daemon["labels"] = ["rack=r1"];
    });
    await converges();
    assert.equal(await onHost("docker info --format '{{.Labels}}'", labUser), "[rack=r1]\n");
    assert.equal(await onHost("systemctl show -P MainPID docker"), pid);
  });

  test("no secret is in the state, and the state contains no absolute path of the bundle", async () => {
    const { output } = await site.pulumi("stack", "export");
    assert.doesNotMatch(output, /PRIVATE KEY/);
    assert.match(output, /"path": "\.cache\/library\//);
  });
});

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { imageArchive } from "../lab/bundle/image-archive.ts";
import { labUser } from "../lab/pulumi/stack.ts";
import { startProvisionedSite } from "../support/guests/provisioned-site.ts";
import { shellOn, type ShellFunctions } from "../support/guests/shell-functions.ts";
import type { SiteUnderTest } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

/** Faults of converged hosts: after each, another `up`, and a container that has run all the time. */
describe("faults of a host", () => {
  let site: SiteUnderTest;
  let on: ShellFunctions;
  const undo = undoAfter();
  before(async () => {
    site = await startProvisionedSite("faults");
    undo(() => site.end());
    on = await shellOn(site.guest);
    await docker("load", await imageArchive(site.lab.bundle));
    await docker(`run --detach --name counter --restart always ${site.lab.bundle.image} sleep 100000`);
    started = await docker("inspect --format '{{.State.StartedAt}}' counter");
  });

  let started = "";
  const docker = async (words: string, input: Buffer | string = ""): Promise<string> => {
    const { stdout, stderr, exitCode } = await site.guest.exec(`docker ${words}`, { login: labUser, input });
    assert.equal(exitCode, 0, stderr);
    return stdout;
  };
  const converged = async (): Promise<void> => {
    const { exitCode, output } = await site.up();
    assert.equal(exitCode, 0, output);
  };
  const alive = async (): Promise<void> => {
    assert.equal(await docker("inspect --format '{{.State.StartedAt}}' counter"), started);
  };
  const setLevel = (level: string): Promise<void> =>
    site.write(({ daemon }) => {
      daemon["log-level"] = level;
    });

  test("killed daemons restart by themselves, without drift", async () => {
    await on.root("systemctl kill --signal=KILL --kill-whom=main containerd.service docker.service");
    await on.root("until docker ps >/dev/null 2>&1; do sleep 0.5; done");
    await alive();
    const { exitCode, output } = await site.pulumi("preview", "--expect-no-changes");
    assert.equal(exitCode, 0, output);
  });

  test("a full root file system: nothing is half written, and the error says so", async () => {
    await on.root("truncate --size -1 /opt/docker/current/bin/ctr");
    await on.root(
      "fallocate --length $(($(df --output=avail -B1 / | tail -n 1) - 4096)) /filler; cp /dev/zero /filler.2 2>/dev/null || true",
    );
    const { exitCode, output } = await site.up();
    assert.notEqual(exitCode, 0);
    assert.match(output, /No space left on device|E_NO_SPACE/);
    await on.root("rm -f /filler /filler.2");
    await converged();
    await alive();
  });

  test("a full data volume: no daemon is stopped there, because none could start again", async () => {
    await on.root("cp /dev/zero /data/filler 2>/dev/null || true");
    await setLevel("warn");
    const { exitCode, output } = await site.up();
    assert.notEqual(exitCode, 0);
    assert.match(
      output,
      /E_STEP_FAILED daemon\.file: found: \/data\/docker has \d+ MiB free, and a daemon restarted there would not come up again/,
    );
    await alive();
    assert.equal(await on.root("systemctl is-active docker"), "active\n");
    await on.root("rm /data/filler");
    await converged();
    await alive();
    assert.match(await on.root("cat /etc/docker/daemon.json"), /"log-level": "warn"/);
  });

  test("a socket that containerd left behind", async () => {
    await on.root(
      'systemctl stop docker.service docker.socket containerd.service && mkdir -p /run/containerd && perl -MSocket -e \'socket(S, PF_UNIX, SOCK_STREAM, 0) && unlink("/run/containerd/containerd.sock"); bind(S, sockaddr_un("/run/containerd/containerd.sock")) or die\'',
    );
    await converged();
    await alive();
  });
});

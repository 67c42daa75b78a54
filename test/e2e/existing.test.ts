import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { fingerprintOf } from "../../modules/environments/host-keys.ts";
import { checkout } from "../lab/cache.ts";
import { container } from "../lab/machine-choice.ts";
import { labSite, removeStackFile } from "../lab/pulumi/stack.ts";
import { runProcess, type ProcessResult } from "../support/process/run-process.ts";
import { startSite, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

/**
 * As root: a file system of 200 MB at /var/log, what `snap remove docker` may leave, and a dpkg that holds its lock because it configures a
 * package until /run/go is there.
 */
const leftovers = `
mount -t tmpfs -o size=200m,mode=0755 log /var/log
mkdir -p /var/snap/docker/common/var-lib-docker /var/snap/docker/2976
for unit in docker.service docker.socket; do ln -s "/etc/systemd/system/snap.docker.$unit" "/etc/systemd/system/$unit"; done
groupadd --system docker
mkdir -p /run/slow/DEBIAN
printf '%s\\n' 'Package: slow' 'Version: 1' 'Architecture: all' 'Maintainer: lab' 'Description: slow' >/run/slow/DEBIAN/control
printf '%s\\n' '#!/bin/sh' 'touch /run/configured; until [ -e /run/go ]; do sleep 0.1; done' >/run/slow/DEBIAN/postinst
chmod 0755 /run/slow/DEBIAN/postinst
dpkg-deb -b /run/slow /run/slow.deb
systemd-run -q --unit=upgrade dpkg -i /run/slow.deb
timeout 60 sh -c 'until [ -e /run/configured ]; do sleep 0.1; done'
`;

/** A host without a volume of Sealift: everything is on existing mounts. */
describe("a host with existing storage", () => {
  let site: SiteUnderTest;
  const undo = undoAfter();
  before(async () => {
    site = await startSite("existing", container("/data", "/logs"));
    undo(() => site.end());
  });

  const onHost: SiteUnderTest["onHost"] = (...call) => site.onHost(...call);
  const laidOut = (): Promise<string> =>
    onHost("stat -c '%n %u:%g %a %i' /data /logs && grep -E ' /(data|logs) ' /proc/self/mountinfo");
  const unchanged = async (): Promise<void> => {
    const { exitCode, output } = await site.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
    assert.equal(exitCode, 0, output);
  };
  const sealift = (...words: readonly string[]): Promise<ProcessResult> =>
    runProcess(process.execPath, [join("cli", "sealift.js"), ...words], {
      cwd: checkout,
      env: { SSH_AUTH_SOCK: site.env["SSH_AUTH_SOCK"] ?? "" },
    });
  const doctor = async (): Promise<string> => (await sealift("doctor", "lab-existing")).stdout;
  /** The site with the journal on the second mount, and one more mount when it is named. */
  const write = (more: readonly Record<string, string>[] = []): Promise<void> =>
    site.write(({ volumes }) => {
      Object.assign(volumes, { journal: { mount: "/logs", maxUse: "200MiB" } });
      volumes.existing?.push(...more);
    });

  test("init proposes the existing mounts, and its file passes", async () => {
    const environment = "lab-existing-init";
    await removeStackFile(environment);
    const { guest, lab } = site;
    const { bundle } = await labSite([guest], lab.bundle);
    const written = await sealift(
      ...["init", environment, "--host", `node-a=${guest.address}:${guest.port}`, "--ssh-user", guest.login],
      ...["--host-key", fingerprintOf(guest.hostKey), "--engine", lab.bundle.engineVersion],
      ...["--bundle", bundle["directory"] ?? "", "--allowed-signers", bundle["allowedSigners"] ?? ""],
      ...["--lock", `${bundle["directory"] ?? ""}/bundle.lock.yaml`],
    );
    const checked = await sealift("check", environment);
    const shown = await sealift("show", environment, "--origin");
    await removeStackFile(environment);
    assert.equal(written.exitCode, 0, written.stderr);
    assert.equal(checked.exitCode, 0, checked.stdout + checked.stderr);
    assert.match(shown.stdout, /volumes\.existing +\[{"mount":"\/(data|logs)","filesystem":"xfs"}\]/);
    assert.match(shown.stdout, /daemon\.data-root +\/(data|logs)\/docker /);
  });

  test("a missing mount stops everything before anything is changed", async () => {
    await write([{ mount: "/srv", minFree: "1GiB" }]);
    for (const verb of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      const { exitCode, output } = await site.pulumi(...verb);
      assert.notEqual(exitCode, 0, output);
      assert.match(
        output,
        /existing: E_MOUNT_ABSENT volumes\.existing\.\/srv: found: nothing is mounted at \/srv; expected: \/srv is a separate mount; fix: mount it, or correct existing in the site file/,
      );
      assert.doesNotMatch(output, /E_MOUNT_BOOT|E_MOUNT_SPACE|E_FILESYSTEM/);
    }
    await onHost("! getent group docker && ! test -e /var/lib/sealift && ! test -e .sealift");
  });

  test("the first run makes it a Docker host, and the mounts stay as they are: with a small /var/log, the leftovers of a snap, and beside an upgrade of packages", async () => {
    await write();
    const before = await laidOut();
    await site.onHost("sudo sh -eus", undefined, leftovers);
    const { exitCode, output } = await site.up();
    assert.equal(exitCode, 0, output);
    assert.doesNotMatch(output, /snap/);
    assert.equal(await laidOut(), before);
    // dpkg has held its lock throughout, and ends now.
    assert.equal(
      await onHost(
        "systemctl is-active upgrade && sudo touch /run/go && timeout 60 sh -c 'while systemctl -q is-active upgrade; do sleep 0.1; done' && dpkg-query -W -f '${Status}' slow",
      ),
      "active\ninstall ok installed",
    );
    // Container logs and the journal are elsewhere.
    assert.ok(Number((await onHost("df --output=used -B1M /var/log")).split("\n")[1]) < 10);
    assert.equal(
      await onHost("sudo docker info --format '{{.DockerRootDir}} {{.Driver}}'"),
      "/data/docker overlay2\n",
    );
    assert.match(await onHost("systemctl show docker -p Requires,After"), /data\.mount/);
    await onHost("sudo test -d /logs/journal && findmnt /var/log/journal");
    await unchanged();
    assert.match(await doctor(), /^facts of all phases +\d+ hold$/m);
  });

  test("a mount that would not return at boot is reported by doctor and preview, and stops an update", async () => {
    await onHost("sudo systemctl disable --no-reload data.mount");
    const journal = await onHost("sudo cat /var/lib/sealift/journal");
    for (const verb of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      const { exitCode, output } = await site.pulumi(...verb);
      assert.notEqual(exitCode, 0, output);
      assert.match(output, /E_MOUNT_BOOT volumes\.boot\.\/data: found: no target starts data\.mount at boot/);
    }
    // Four facts for each of the two mounts, and the journal.
    assert.match(await doctor(), /^volumes +8 of 9 hold FAIL$/m);
    assert.equal(await onHost("sudo cat /var/lib/sealift/journal"), journal);
    await onHost("sudo systemctl enable data.mount");
    await unchanged();
  });

  test("destroy leaves mounts, engine and data", async () => {
    const before = await laidOut();
    const { exitCode, output } = await site.pulumi("destroy", "--yes", "--skip-preview");
    assert.equal(exitCode, 0, output);
    assert.equal(await laidOut(), before);
    await onHost("systemctl is-active docker && sudo test -d /data/docker/image");
  });
});

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { restartGuest } from "../lab/guest.ts";
import { imageArchive } from "../lab/bundle/image-archive.ts";
import { labUser, resizeData } from "../lab/pulumi/stack.ts";
import { vm } from "../lab/machine-choice.ts";
import { held, hold, release } from "../support/guests/held-program.ts";
import { startSite, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

/** The whole life of a host on one guest, in order. */
describe("from a bare guest to a Docker host and through its life", () => {
  let site: SiteUnderTest;
  const undo = undoAfter();
  before(async () => {
    site = await startSite("line", vm("life"));
    undo(() => site.end());
  });

  const up = (...more: string[]): ReturnType<SiteUnderTest["pulumi"]> =>
    site.pulumi("up", "--yes", "--skip-preview", ...more);
  const onHost: SiteUnderTest["onHost"] = (...call) => site.onHost(...call);
  const converges = async (): Promise<void> => {
    const { exitCode, output } = await up();
    assert.equal(exitCode, 0, output);
  };
  const unchanged = async (): Promise<void> => {
    const { exitCode, output } = await up("--expect-no-changes");
    assert.equal(exitCode, 0, output);
    assert.match(output, /\d+ unchanged/);
  };
  const drift = (output: string): string[] =>
    [...output.matchAll(/^ +(\w+\.[\w.-]+): found: .*; expected: .*; impact: /gm)].map(
      ([, code = ""]) => code,
    );

  test("a preview says what would become true, and changes nothing", async () => {
    const { exitCode, output } = await site.pulumi("preview");
    assert.equal(exitCode, 0, output);
    assert.ok(drift(output).includes("volumes.data"), output);
    assert.match(
      output,
      /volumes\.group: found: volume group vg0 does not exist; expected: volume group vg0 is on .*; impact: none/,
    );
    await onHost("! getent group docker && ! test -e /var/lib/sealift && ! sudo vgs vg0 2>/dev/null");
  });

  test("a power cut in the middle of the first run does not prevent the next run", async () => {
    // The group and the volumes are there, and the last of them is about to get its file system.
    await hold(site, "mkfs.xfs");
    const run = up();
    await held(site);
    await site.guest.kill();
    assert.notEqual((await run).exitCode, 0);
    site.guest = await restartGuest("line", "off");
    await release(site, "mkfs.xfs");
    await site.write();
  });

  test("the run makes it true", async () => {
    const { exitCode, output } = await up();
    assert.equal(exitCode, 0, output);
    const journal = await onHost("sudo cat /var/lib/sealift/journal");
    assert.match(journal, /Z changed daemon daemon\.running bundle=1 login=ops found: /);
    assert.equal(journal.match(/ failed /g), null);
  });

  test("a user who is not root runs a container of the bundle's image", async () => {
    await onHost("docker load", labUser, await imageArchive(site.lab.bundle));
    assert.match(await onHost("id", labUser), /^uid=1500\(deploy\) gid=1500\(deploy\).*\(docker\)/);
    assert.equal(await onHost(`docker run --rm ${site.lab.bundle.image} echo hello`, labUser), "hello\n");
  });

  test("the engine's data is on the data volume, and its units wait for the volume", async () => {
    const info = await onHost(
      "docker info --format '{{.DockerRootDir}} {{.LoggingDriver}} {{.Driver}} {{.LiveRestoreEnabled}}'",
      labUser,
    );
    assert.equal(info, "/data/docker local overlay2 true\n");
    assert.match(
      await onHost("findmnt -nro SOURCE,FSTYPE -T /data/docker"),
      /^\/dev\/mapper\/vg0-data xfs$/m,
    );
    assert.match(await onHost("sudo ls /data/docker/containerd/daemon"), /io\.containerd/);
    assert.equal(await onHost("sudo ls -A /var/lib/docker /var/lib/containerd 2>/dev/null || true"), "");
    for (const unit of ["docker", "containerd"]) {
      assert.match(
        await onHost(`systemctl show ${unit} -p RequiresMountsFor -p KillMode -p Delegate`),
        /KillMode=process/,
      );
      assert.match(await onHost(`systemctl show ${unit} -p Requires,After`), /data\.mount/);
    }
    assert.match(
      await onHost(
        "lsattr -d /data && sudo umount -l /svc && lsattr -d /svc && sudo systemctl start svc.mount",
      ),
      /^----i\S* \/svc$/m,
    );
  });

  test("a second run changes nothing", unchanged);

  const breakages: readonly [code: string, effect: string, command: string][] = [
    [
      "daemon.file",
      "none",
      `sudo sed -i 's/"log-driver": "local"/"log-driver": "json-file"/' /etc/docker/daemon.json`,
    ],
    ["users.deploy.docker", "none", "sudo gpasswd -d deploy docker"],
    ["users.deploy.keys", "none", "echo '# stranger' | sudo tee -a /home/deploy/.ssh/authorized_keys"],
    ["volumes.logs.mount", "none", "sudo systemctl disable --now logs.mount"],
    [
      "engine.files",
      "none",
      "echo x | sudo tee -a /opt/docker/26.1.5/bin/ctr || echo x | sudo tee -a /opt/docker/current/bin/ctr",
    ],
  ];

  test("drift is shown in the preview by name, with found, expected and impact", async () => {
    for (const [, , command] of breakages) await onHost(command);
    const { exitCode, output } = await site.pulumi("preview");
    assert.equal(exitCode, 0, output);
    const codes = drift(output).filter((code) => code !== "daemon.running");
    assert.deepEqual(codes.toSorted(), breakages.map(([code]) => code).toSorted(), output);
    for (const [code, effect] of breakages) {
      assert.match(
        output,
        new RegExp(`${code.replaceAll(".", "\\.")}: found: .*; expected: .*; impact: ${effect}`),
      );
    }
    assert.match(output, /found: "log-driver": "json-file" in place of "log-driver": "local"/);
  });

  test("the run corrects exactly this drift", async () => {
    const before = await onHost("sudo cat /var/lib/sealift/journal");
    const { exitCode, output } = await up();
    assert.equal(exitCode, 0, output);
    const journal = (await onHost("sudo cat /var/lib/sealift/journal")).slice(before.length);
    const repaired = [...journal.matchAll(/ changed \w+ (\S+) /g)].map(([, code = ""]) => code);
    assert.deepEqual(repaired.toSorted(), breakages.map(([code]) => code).toSorted());
  });

  test("a third run changes nothing, although the correction is still noted in the state", unchanged);

  test("a larger volume grows while in use; a smaller one is refused and nothing is lost", async () => {
    await onHost(
      "docker run -d --name counter --restart always " + site.lab.bundle.image + " sleep 100000",
      labUser,
    );
    await site.guest.save("smaller");
    await site.write(resizeData("5GiB"));
    await converges();
    assert.match(await onHost("df --output=size -BG /data | tail -1"), /5G/);
    await site.write(resizeData("3GiB"));
    const { exitCode, output } = await up();
    assert.notEqual(exitCode, 0);
    assert.match(
      output,
      /E_SHRINK volumes\.data: found: vg0\/data is 5120 MiB and would shrink to 3072 MiB; expected: volume vg0\/data is 3 GiB; fix: set at least its present size/,
    );
    await site.write(resizeData("5GiB"));
    await converges();
    assert.equal(await onHost("docker ps --format '{{.Names}}'", labUser), "counter\n");
  });

  test("restored to an earlier snapshot: the volume grows again, under a container that keeps running", async () => {
    await site.guest.kill();
    site.guest = await restartGuest("line", "smaller");
    await site.write(resizeData("5GiB"));
    assert.match(await onHost("df --output=size -BG /data | tail -1"), /4G/);
    const { exitCode, output } = await up();
    assert.equal(exitCode, 0, output);
    assert.match(output, / updated/);
    assert.match(await onHost("df --output=size -BG /data | tail -1"), /5G/);
    assert.equal(await onHost("docker ps --format '{{.Names}}'", labUser), "counter\n");
  });

  test("a data volume that is not mounted prevents the engine from starting, and the run mounts it", async () => {
    await onHost(
      "sudo docker stop counter >/dev/null && sudo systemctl stop docker.service docker.socket containerd.service",
    );
    await onHost(
      "sudo sh -c 'umount /data && rm /etc/systemd/system/data.mount && ln -s /dev/null /etc/systemd/system/data.mount && systemctl daemon-reload'",
    );
    assert.notEqual((await site.guest.exec("sudo -n systemctl start docker.service")).exitCode, 0);
    assert.equal(await onHost("ls -A /data"), "");
    await converges();
    assert.match(await onHost("findmnt -no SOURCE /data"), /vg0-data/);
    assert.equal(await onHost("docker ps --all --format '{{.Names}}'", labUser), "counter\n");
    await onHost("docker start counter", labUser);
  });

  test("a power cut loses nothing: after the boot everything is as the site says", async () => {
    await onHost("sudo sh -c 'date > /data/kept && sync /data/kept'");
    await site.guest.kill();
    site.guest = await restartGuest("line", "off");
    await site.write(resizeData("5GiB"));
    await onHost("sudo timeout 120 sh -c 'until docker ps 2>/dev/null | grep -q counter; do sleep 1; done'");
    await onHost("test -s /data/kept");
    const { exitCode, output } = await site.pulumi("preview");
    assert.equal(exitCode, 0, output);
    assert.deepEqual(drift(output), []);
  });

  test("destroy leaves users, data and containers", async () => {
    const { exitCode, output } = await site.pulumi("destroy", "--yes", "--skip-preview");
    assert.equal(exitCode, 0, output);
    assert.equal(await onHost("docker ps --format '{{.Names}}'", labUser), "counter\n");
    await onHost("test -s /data/kept && findmnt /logs");
  });
});

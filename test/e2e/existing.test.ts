import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { fingerprintOf } from "../../modules/host-keys.ts";
import { checkout } from "../lab/cache.ts";
import { container } from "../lab/machine-choice.ts";
import { labSite, removeStackFile } from "../lab/stack.ts";
import { runProcess, type ProcessResult } from "../support/run-process.ts";
import { startSite, type SiteUnderTest } from "../support/site-under-test.ts";
import { undoAfter } from "../support/undo.ts";

/** A host without a volume of Sealift's: everything lies on mounts that were there before. */
describe("a host whose storage is laid out by others", () => {
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

  test("init proposes what is there, and its file passes", async () => {
    const environment = "lab-existing-init";
    await removeStackFile(environment);
    const { guest, lab } = site;
    const { bundle } = await labSite([guest], lab.bundle);
    const written = await sealift(
      ...["init", environment, "--host", `node-a=${guest.address}:${guest.port}`, "--login", guest.login],
      ...["--host-key", fingerprintOf(guest.hostKey), "--engine", lab.bundle.engineVersion],
      ...["--bundle", bundle["directory"] ?? "", "--signers", bundle["allowedSigners"] ?? ""],
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

  test("a mount that is not there stops everything before anything is changed", async () => {
    await write([{ mount: "/srv", minFree: "1GiB" }]);
    for (const verb of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      const { exitCode, output } = await site.pulumi(...verb);
      assert.notEqual(exitCode, 0, output);
      assert.match(
        output,
        /existing: E_MOUNT_ABSENT volumes\.existing\.\/srv: got nothing is mounted at \/srv; expected \/srv is a mount of its own; mount it, or correct existing in the site file/,
      );
      assert.doesNotMatch(output, /E_MOUNT_BOOT|E_MOUNT_SPACE|E_FILESYSTEM/);
    }
    await onHost("! getent group docker && ! test -e /var/lib/sealift && ! test -e .sealift");
  });

  test("up makes a Docker host of it, and the mounts stay as they are", async () => {
    await write();
    const before = await laidOut();
    const { exitCode, output } = await site.up();
    assert.equal(exitCode, 0, output);
    assert.equal(await laidOut(), before);
    assert.equal(
      await onHost("sudo docker info --format '{{.DockerRootDir}} {{.Driver}}'"),
      "/data/docker overlay2\n",
    );
    assert.match(await onHost("systemctl show docker -p Requires,After"), /data\.mount/);
    await onHost("sudo test -d /logs/journal && findmnt /var/log/journal");
    await unchanged();
    assert.match(await doctor(), /^all phases +\d+ hold$/m);
  });

  test("a mount that will not come back is told by doctor and preview, and stops an update", async () => {
    await onHost("sudo systemctl disable --no-reload data.mount");
    const journal = await onHost("sudo cat /var/lib/sealift/journal");
    for (const verb of [["preview"], ["up", "--yes", "--skip-preview"]]) {
      const { exitCode, output } = await site.pulumi(...verb);
      assert.notEqual(exitCode, 0, output);
      assert.match(output, /E_MOUNT_BOOT volumes\.boot\.\/data: got no target starts data\.mount at boot/);
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

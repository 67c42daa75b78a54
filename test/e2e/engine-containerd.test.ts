import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { imageArchive } from "../lab/bundle/image-archive.ts";
import { labUser } from "../lab/pulumi/stack.ts";
import { siteMachine, startSite, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

/** A new host whose engine uses the containerd image store, the default from engine 29 on. */
describe("a host with the containerd image store", () => {
  let site: SiteUnderTest;
  const undo = undoAfter();
  before(async () => {
    site = await startSite("snapshotter", siteMachine, "all");
    undo(() => site.end());
    const newest = site.lab.bundle.engines.at(-1)?.version ?? "";
    await site.write((text) => {
      text.engine.version = newest;
      Reflect.deleteProperty(text.daemon, "storage-driver");
    });
  });

  const onHost = (command: string, login = labUser, input: string | Buffer = ""): Promise<string> =>
    site.onHost(command, login, input);
  const up = (...more: string[]): ReturnType<SiteUnderTest["pulumi"]> =>
    site.pulumi("up", "--yes", "--skip-preview", ...more);

  test("the first run provisions it, and the second changes nothing", async () => {
    const { exitCode, output } = await up();
    assert.equal(exitCode, 0, output);
    assert.equal(await onHost("sudo cat /var/lib/sealift/image-store", "ops"), "containerd\n");
    assert.equal(
      await onHost("docker info --format '{{.Driver}} {{index .DriverStatus 0 1}}'"),
      "overlayfs io.containerd.snapshotter.v1\n",
    );
    const again = await up("--expect-no-changes");
    assert.equal(again.exitCode, 0, again.output);
  });

  test("an image is loaded and runs, and is stored on the data volume", async () => {
    await onHost("docker load", labUser, await imageArchive(site.lab.bundle));
    assert.equal(await onHost(`docker run --rm ${site.lab.bundle.image} echo hello`), "hello\n");
    await onHost(
      'test -n "$(sudo ls /data/docker/containerd/daemon/io.containerd.snapshotter.v1.overlayfs/snapshots)"',
      "ops",
    );
    assert.equal(
      await onHost("sudo ls -A /var/lib/docker /var/lib/containerd 2>/dev/null || true", "ops"),
      "",
    );
  });

  test("the classic store would hide the images, and is refused", async () => {
    await site.write((text) => {
      text.engine.version = site.lab.bundle.engines.at(-1)?.version ?? "";
    });
    const { exitCode, output } = await site.pulumi("preview");
    assert.notEqual(exitCode, 0, output);
    assert.match(
      output,
      /snapshotter: E_IMAGE_STORE engine\.store: found: the host holds .* of the containerd store, but the site asks for the classic store; .*; fix: set features/,
    );
  });
});

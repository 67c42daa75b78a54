import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { restartGuest } from "../lab/guest.ts";
import type { LabSite } from "../lab/stack.ts";
import { siteMachine, startSite, type SiteUnderTest } from "../support/site-under-test.ts";
import { undoAfter } from "../support/undo.ts";
import { startWire, type Wire } from "../support/wire.ts";

/** A host that is set back while the state of Pulumi goes on: its journal goes back with it. Power cuts are in test/cuts. */
describe("a host that was set back to a snapshot", () => {
  let site: SiteUnderTest;
  let wire: Wire;
  const undo = undoAfter();
  before(async () => {
    site = await startSite("restored", siteMachine);
    undo(() => site.end());
    // One address for all that it has been: a new one alone would be a change for Pulumi.
    wire = await startWire(site.guest.port);
    undo(() => {
      wire.end();
    });
    await site.guest.save("bare");
    wire.redirect(site.guest.port);
    await write();
    await converges(/\d+ created/);
    await site.guest.save("provisioned");
  });

  const write = (more: (text: LabSite) => void = () => undefined): Promise<void> =>
    site.write((text) => {
      Object.assign(text.hosts[0] ?? {}, { port: wire.port });
      more(text);
    });
  const converges = async (says: RegExp): Promise<void> => {
    const { exitCode, output } = await site.up();
    assert.equal(exitCode, 0, output);
    assert.match(output, says);
  };
  const unchanged = async (): Promise<void> => {
    const { exitCode, output } = await site.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
    assert.equal(exitCode, 0, output);
  };
  const setBack = async (state: string): Promise<void> => {
    await site.guest.kill();
    site.guest = await restartGuest("restored", state);
    wire.redirect(site.guest.port);
  };

  test("back before a user left: up locks the user again", async () => {
    await write(({ users }) => {
      users[0] = { ...users[0], name: "other", uid: 1501 };
    });
    await converges(/ updated/);
    const locked = "sudo passwd -S deploy";
    assert.match(await site.onHost(locked), /^deploy L /);
    await unchanged();
    await setBack("provisioned");
    assert.match(await site.onHost("id -nG deploy"), /docker/);
    await converges(/ updated/);
    assert.match(await site.onHost(locked), /^deploy L /);
    await unchanged();
  });

  test("back before Sealift came: up makes a Docker host of it again", async () => {
    await setBack("bare");
    await site.onHost("! test -e /var/lib/sealift");
    await converges(/ updated/);
    assert.match(await site.onHost("sudo docker info --format '{{.DockerRootDir}}'"), /^\/data\/docker$/m);
    await unchanged();
  });
});

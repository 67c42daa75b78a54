import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { restartGuest } from "../lab/guest.ts";
import { vm } from "../lab/machine-choice.ts";
import { killTree } from "../support/kill-tree.ts";
import { startSite, type SiteUnderTest } from "../support/site-under-test.ts";
import { startWire, type Wire } from "../support/wire.ts";

/** The first provisioning of a host, broken off three times at random places; whatever happens, `up` again goes on. */
describe("a provisioning that is broken off", () => {
  let site: SiteUnderTest;
  let wire: Wire;
  before(async () => {
    site = await startSite("interrupted", vm("power"));
    wire = await startWire(site.guest.port);
    await write();
  });
  after(async () => {
    wire.end();
    await site.end();
  });

  const write = (): Promise<void> =>
    site.write(({ hosts }) => Object.assign(hosts[0] ?? {}, { port: wire.port }));
  const root = async (command: string): Promise<string> => {
    const { stdout, stderr, exitCode } = await site.guest.exec("sudo -n sh -s", { input: command });
    assert.equal(exitCode, 0, `${command}: ${stderr}`);
    return stdout;
  };
  const journal = (): Promise<string> => root("cat /var/lib/sealift/journal 2>/dev/null || true");
  const changes = async (): Promise<readonly string[]> =>
    [...(await journal()).matchAll(/ changed \w+ (\S+) /g)].map(([, code = ""]) => code);
  /** Waits until so many facts have been made true. */
  const reached = (count: number): Promise<string> =>
    root(
      `until [ "$(grep -c ' changed ' /var/lib/sealift/journal 2>/dev/null)" -ge ${count} ]; do sleep 0.2; done`,
    );
  const quiet = (): Promise<string> =>
    root("while systemctl --plain --no-legend list-units 'sealift-*' | grep -q .; do sleep 0.5; done");

  test("a cut connection: the host ends what it was about, and nothing is done twice", async (t) => {
    const place = randomInt(1, 5);
    t.diagnostic(`cut after ${place} facts`);
    const run = site.up();
    await reached(place);
    wire.cut();
    const { exitCode } = await run;
    assert.notEqual(exitCode, 0);
    await quiet();
    const done = await changes();
    assert.equal(new Set(done).size, done.length, done.join(" "));
  });

  test("an operator's machine that dies: the lock of the stack is taken off, the host goes on", async (t) => {
    const before = (await changes()).length;
    const place = before + randomInt(1, 6);
    t.diagnostic(`killed after ${place} facts`);
    const pid = Promise.withResolvers<number>();
    const run = site.up(pid.resolve);
    await reached(place);
    killTree(await pid.promise);
    assert.notEqual((await run).exitCode, 0);
    const { exitCode, output } = await site.pulumi("cancel", "--yes");
    assert.equal(exitCode, 0, output);
    await quiet();
    const done = await changes();
    assert.ok(done.length >= place);
    assert.equal(new Set(done).size, done.length, done.join(" "));
  });

  test("a power cut of the host", async (t) => {
    const place = (await changes()).length + randomInt(1, 4);
    t.diagnostic(`power cut after ${place} facts`);
    const run = site.up();
    await reached(place);
    await site.guest.kill();
    wire.end();
    assert.notEqual((await run).exitCode, 0);
    site.guest = await restartGuest("interrupted", "off");
    wire = await startWire(site.guest.port);
    await write();
  });

  test("up again makes the host whole, and a further one changes nothing", async () => {
    const { exitCode, output } = await site.up();
    assert.equal(exitCode, 0, output);
    assert.match(await root("docker info --format '{{.DockerRootDir}}'"), /^\/data\/docker$/m);
    const again = await site.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
    assert.equal(again.exitCode, 0, again.output);
    assert.equal((await journal()).match(/ failed /g), null);
  });
});

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { held, hold, letGo } from "../support/held-program.ts";
import { killTree } from "../support/kill-tree.ts";
import { siteMachine, startSite, type SiteUnderTest } from "../support/site-under-test.ts";
import { startWire, type Wire } from "../support/wire.ts";

/**
 * The first provisioning of a host, broken off twice where it stands still in the middle of a step; whatever happens, `up` again goes
 * on. A power cut is in line.test.ts.
 */
describe("a provisioning that is broken off", () => {
  let site: SiteUnderTest;
  let wire: Wire;
  before(async () => {
    site = await startSite("interrupted", siteMachine);
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
  const quiet = (): Promise<string> =>
    root("while systemctl --plain --no-legend list-units 'sealift-*' | grep -q .; do sleep 0.5; done");

  test("a cut connection: the host ends what it was about, and nothing is done twice", async () => {
    await hold(site, "useradd");
    const run = site.up();
    await held(site);
    wire.cut();
    const { exitCode } = await run;
    assert.notEqual(exitCode, 0);
    await letGo(site, "useradd");
    await quiet();
    const done = await changes();
    assert.equal(new Set(done).size, done.length, done.join(" "));
  });

  test("an operator's machine that dies: the lock of the stack is taken off, the host goes on", async () => {
    const before = (await changes()).length;
    // The engine's archive is about to be unpacked.
    await hold(site, "tar");
    const pid = Promise.withResolvers<number>();
    const run = site.up(pid.resolve);
    await held(site);
    killTree(await pid.promise);
    assert.notEqual((await run).exitCode, 0);
    await letGo(site, "tar");
    const { exitCode, output } = await site.pulumi("cancel", "--yes");
    assert.equal(exitCode, 0, output);
    await quiet();
    const done = await changes();
    assert.ok(done.length > before);
    assert.equal(new Set(done).size, done.length, done.join(" "));
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

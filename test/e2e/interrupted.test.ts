import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { held, hold, release } from "../support/guests/held-program.ts";
import { killTree } from "../support/process/kill-tree.ts";
import { siteMachine, startSite, type SiteUnderTest } from "../support/guests/site-under-test.ts";
import { startTcpProxy, type TcpProxy } from "../support/servers/tcp-proxy.ts";

/**
 * The first run on a host, interrupted twice in the middle of a step; in each case another `up` continues. A power cut is in line.test.ts.
 */
describe("an interrupted run", () => {
  let site: SiteUnderTest;
  let proxy: TcpProxy;
  before(async () => {
    site = await startSite("interrupted", siteMachine);
    proxy = await startTcpProxy(site.guest.port);
    await write();
  });
  after(async () => {
    proxy.end();
    await site.end();
  });

  const write = (): Promise<void> =>
    site.write(({ hosts }) => Object.assign(hosts[0] ?? {}, { port: proxy.port }));
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

  test("a broken connection: the host completes the run, and nothing is done twice", async () => {
    await hold(site, "useradd");
    const run = site.up();
    await held(site);
    proxy.cut();
    const { exitCode } = await run;
    assert.notEqual(exitCode, 0);
    await release(site, "useradd");
    await quiet();
    const done = await changes();
    assert.equal(new Set(done).size, done.length, done.join(" "));
  });

  test("a failed operator's machine: the lock of the stack is removed, and the host continues", async () => {
    const before = (await changes()).length;
    // The engine's archive is about to be unpacked.
    await hold(site, "tar");
    const pid = Promise.withResolvers<number>();
    const run = site.up(pid.resolve);
    await held(site);
    killTree(await pid.promise);
    assert.notEqual((await run).exitCode, 0);
    await release(site, "tar");
    const { exitCode, output } = await site.pulumi("cancel", "--yes");
    assert.equal(exitCode, 0, output);
    await quiet();
    const done = await changes();
    assert.ok(done.length > before);
    assert.equal(new Set(done).size, done.length, done.join(" "));
  });

  test("the next run completes the host, and a further one changes nothing", async () => {
    const { exitCode, output } = await site.up();
    assert.equal(exitCode, 0, output);
    assert.match(await root("docker info --format '{{.DockerRootDir}}'"), /^\/data\/docker$/m);
    const again = await site.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes");
    assert.equal(again.exitCode, 0, again.output);
    assert.equal((await journal()).match(/ failed /g), null);
  });
});

/**
 * Two applications on three hosts of a network segment, once with a registry on one of them and once without: one run, a second that
 * changes nothing, what runs where, and rollouts that stop at the first host whose application is not well.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { startAgent } from "../lab/agent.ts";
import { checkout } from "../lab/cache.ts";
import { segmentSite, startSegment } from "../lab/demo/segment-site.ts";
import { removeGuest, type Guest } from "../lab/guest.ts";
import { container } from "../lab/machine-choice.ts";
import { prepareLab, type Lab } from "../lab/prepare.ts";
import { pulumiEnv } from "../lab/pulumi/pulumi-env.ts";
import { freshStack, pulumi, type PulumiRun } from "../lab/pulumi/pulumi.ts";
import { removeStackFile, writeStack } from "../lab/pulumi/stack.ts";
import { makeAppSecrets, type AppSecrets } from "../support/guests/app-secrets.ts";
import { runProcess } from "../support/process/run-process.ts";
import { undoAfter } from "../support/process/undo.ts";

/** The shop runs on the first two, the ledger on the last two. */
const names = ["alpha", "beta", "gamma"] as const;
const services = {
  shop: ["shop-cache-1", "shop-database-1", "shop-web-1", "shop-worker-1"],
  ledger: ["ledger-database-1", "ledger-web-1"],
};

for (const serving of [1, 0])
  describe(`two applications on three hosts, ${serving === 1 ? "with" : "without"} a registry`, () => {
    const environment = `lab-apps-fleet-${serving}`;
    let lab: Lab;
    let alpha: Guest, beta: Guest, gamma: Guest;
    let secrets: AppSecrets;
    let sealed: Readonly<Record<"shop" | "ledger", string>>;
    let env: Readonly<Record<string, string>>;
    const undo = undoAfter();
    before(async () => {
      lab = await prepareLab("apps");
      [alpha, beta, gamma] = (await startSegment(names, container("/registry", "/svc", "/data"))) as [
        Guest,
        Guest,
        Guest,
      ];
      for (const name of names) undo(() => removeGuest(name));
      const agent = await startAgent(alpha.identityFile);
      undo(() => agent.stop());
      env = { ...pulumiEnv(), SSH_AUTH_SOCK: agent.socket };
      secrets = await makeAppSecrets(environment);
      undo(() => secrets.end());
      sealed = {
        shop: await secrets.seal("shop", "of the shop", [alpha, beta]),
        ledger: await secrets.seal("ledger", "of the ledger", [beta, gamma]),
      };
      undo(() => removeStackFile(environment));
      await write("1.0.0");
      await freshStack(environment, env);
      undo(() => run("stack", "rm", "--yes", "--force"));
    });

    const run = (...words: readonly string[]): Promise<PulumiRun> =>
      pulumi([...words, "--stack", environment], { env });
    const write = async (version: string): Promise<void> => {
      const site = await segmentSite([alpha, beta, gamma], lab.bundle, serving);
      if (serving === 0) delete site.registry;
      const { age, plugins, engines } = lab.bundle;
      site.engine = { version: engines.at(-1)?.version ?? "" };
      Object.assign(site.engine, { compose: plugins.compose });
      const update = { monitor: "4s", timeout: "2m" };
      const secret = (file: string): object => ({ file, owner: "999:999", mode: "0444" });
      const apps = [
        {
          ...{ name: "shop", version, hosts: ["alpha", "beta"], update },
          secrets: { db_password: secret(sealed.shop) },
        },
        {
          ...{ name: "ledger", version: "1.0.0", hosts: ["beta", "gamma"], update },
          secrets: { root_password: secret(sealed.ledger) },
        },
      ];
      Object.assign(site, { secrets: { age, recoveryKey: secrets.recoveryKey }, apps });
      await writeStack(environment, site);
    };
    const up = async (...more: readonly string[]): Promise<string> => {
      const { exitCode, output } = await run("up", "--yes", "--skip-preview", ...more);
      assert.equal(exitCode, 0, output);
      return output;
    };
    const fails = async (): Promise<string> => {
      const { exitCode, output } = await run("up", "--yes", "--skip-preview");
      assert.notEqual(exitCode, 0, output);
      return output;
    };
    const on = async (guest: Guest, command: string): Promise<string> => {
      const { exitCode, stdout, stderr } = await guest.exec(command);
      assert.equal(exitCode, 0, stderr);
      return stdout;
    };
    /** Names and ids. */
    const containers = async (guest: Guest): Promise<ReadonlyMap<string, string>> => {
      const lines = (await on(guest, "sudo -n docker ps --format '{{.Names}} {{.ID}}'")).trim().split("\n");
      return new Map(lines.map((line) => line.split(" ") as [string, string]));
    };
    const visit = (guest: Guest, path: string, port = 8080): Promise<string> =>
      on(guest, `curl -fsS --retry 20 --retry-delay 1 --retry-all-errors http://127.0.0.1:${port}/${path}`);
    const status = async (): Promise<string> => {
      const words = [join("cli", "sealift.js"), "status", environment];
      const { exitCode, stdout } = await runProcess(process.execPath, words, { cwd: checkout, env });
      return `${exitCode} ${stdout}`;
    };

    test("one run, and each host runs what the site names", async () => {
      await up();
      const expected = [services.shop, [...services.ledger, ...services.shop], services.ledger];
      for (const [at, guest] of [alpha, beta, gamma].entries())
        assert.deepEqual([...(await containers(guest)).keys()].toSorted(), expected[at]);
      for (const guest of [alpha, beta]) assert.match(await visit(guest, "version"), /^1\.0\.0/);
      for (const guest of [beta, gamma]) assert.match(await visit(guest, "", 8090), /ledger/i);
    });

    test("a second run changes nothing", async () => {
      await up("--expect-no-changes");
    });

    test("the status has a line for each application on each of its hosts", async () => {
      const well = (app: string, host: string, count: number): string =>
        String.raw`${app} +${host} +1\.0\.0 +healthy ${count}/${count} .*`;
      const lines = [
        ...[well("ledger", "beta", 2), well("ledger", "gamma", 2)],
        ...[well("shop", "alpha", 4), well("shop", "beta", 4)],
      ];
      assert.match(await status(), new RegExp(`^0 .*\\n${lines.join(String.raw`\n`)}$`));
    });

    test("a release that is bad on the first host: it runs the one before, and the next host has not started", async () => {
      const old = await containers(beta);
      await write("1.2.0");
      const output = await fails();
      assert.match(output, /E_APP_UPDATE release 1\.2\.0-\w+ of shop is not healthy: /);
      assert.match(await visit(alpha, "version"), /^1\.0\.0/);
      assert.deepEqual(await containers(beta), old);
      assert.match(
        await status(),
        /^78 [^]*\nshop +alpha +1\.0\.0, expected 1\.2\.0 +.*\nshop +beta +1\.0\.0, /,
      );
    });

    test("the application of the first host fails after its update: the gate stays closed", async () => {
      const old = await containers(beta);
      await write("1.1.0");
      // Right after the run on the host, and before the gate looks at it again.
      const stop = `
        until readlink /svc/apps/shop/current | grep -q 1.1.0-; do sleep 0.05; done
        while systemctl list-units --plain --no-legend "sealift-????????????????.service" | grep -q .; do sleep 0.05; done
        docker kill shop-web-1`;
      await on(alpha, `sudo -n systemd-run --quiet --unit failing sh -c '${stop}'`);
      const output = await fails();
      assert.match(output, /alpha: E_FACT apps\.shop\.service\.web: found: shop-web-1: exited, /);
      assert.match(output, /rollout: E_GATE alpha: .*not started: beta/);
      assert.deepEqual(await containers(beta), old);
      assert.match(
        await status(),
        /^78 [^]*\nshop +alpha +1\.1\.0 .*\nshop +beta +1\.0\.0, expected 1\.1\.0 +healthy 4\/4 /,
      );
    });

    test("the next run starts it again and goes on with the next host", async () => {
      await up();
      for (const guest of [alpha, beta]) assert.match(await visit(guest, "version"), /^1\.1\.0/);
      assert.match(await status(), /^0 /);
      await up("--expect-no-changes");
    });
  });

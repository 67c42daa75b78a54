/**
 * An application of the bundle on a host: from a bare machine to a running shop, drift and its repair, an update and the way back, releases
 * that are bad, a volume that must not be replaced, and a boot without an operator. With both lines of Compose.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { checkout } from "../lab/cache.ts";
import { restartGuest } from "../lab/guest.ts";
import type { LabSite } from "../lab/pulumi/stack.ts";
import { shopPassword, startShopSite, upOf, type ShopSite } from "../support/guests/shop-site.ts";
import { runProcess } from "../support/process/run-process.ts";
import { undoAfter } from "../support/process/undo.ts";

const name = "apps";

/** The command that says this to the database of the shop. */
const inDatabase = (...words: readonly string[]): string =>
  `docker exec shop-database-1 psql -q -U shop ${words.map((one) => `-c "${one}"`).join(" ")}`;

describe("an application of a site", () => {
  let shop: ShopSite;
  const undo = undoAfter();
  before(async () => {
    shop = await startShopSite(name);
    undo(() => shop.end());
  });

  const docker = (command: string): Promise<string> => shop.docker(command);
  const root = (command: string): Promise<string> => shop.root(command);
  const visit = (path?: string): Promise<string> => shop.visit(path);
  const containers = (): Promise<ReadonlyMap<string, string>> => shop.containers();
  const up = (...more: readonly string[]): Promise<string> => upOf(shop.site, ...more);
  const fails = async (): Promise<string> => {
    const { exitCode, output } = await shop.site.pulumi("up", "--yes", "--skip-preview");
    assert.notEqual(exitCode, 0, output);
    return output;
  };
  const preview = async (): Promise<string> => {
    const { exitCode, output } = await shop.site.pulumi("preview");
    assert.equal(exitCode, 0, output);
    return output;
  };
  const status = async (): Promise<string> => {
    const words = [join("cli", "sealift.js"), "status", `lab-${name}`];
    const { exitCode, stdout, stderr } = await runProcess(process.execPath, words, {
      ...{ cwd: checkout, env: shop.site.env },
    });
    assert.doesNotMatch(stderr, /E_/);
    return `${exitCode} ${stdout}`;
  };
  const replaced = (old: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): readonly string[] =>
    [...now].flatMap(([one, id]) => (old.get(one) === id ? [] : [one])).toSorted();

  test("one run, and the shop counts in its database; the secret is in no output, plan, state or process list", async () => {
    await shop.write("1.0.0");
    const output = await up();
    assert.match(await visit("version"), /^1\.0\.0/);
    assert.match(await visit(), /Good day/);
    assert.ok(!output.includes(shopPassword));
    const { output: state } = await shop.site.pulumi("stack", "export");
    assert.ok(!state.includes(shopPassword));
    assert.ok(!(await root("ps axww; cat /var/lib/sealift/journal")).includes(shopPassword));
    assert.match(await status(), /^0 application .*\nshop +apps +1\.0\.0 +healthy 4\/4 +20\S+Z +0 +/);
  });

  test("a second run changes nothing, and neither does a person who types docker compose", async () => {
    await up("--expect-no-changes");
    const old = await containers();
    await root(
      "cd /svc/apps/shop/current && docker compose -p shop --project-directory project --env-file values.env -f project/compose.yaml -f sealift.override.yaml up -d --pull never",
    );
    assert.deepEqual(replaced(old, await containers()), []);
    await up("--expect-no-changes");
  });

  test("removed containers, an edited file and a container of another service are drift by name, and repaired", async () => {
    await docker("rm --force shop-web-1");
    await root("echo edited >>/svc/apps/shop/current/project/shop.conf");
    await docker(
      "run --detach --name shop-old-1 --label com.docker.compose.project=shop --label com.docker.compose.service=old --label com.docker.compose.config-hash=0000 --label com.docker.compose.oneoff=False --network none docker.io/library/redis:8.0",
    );
    const found = await preview();
    assert.match(found, /apps\.shop\.service\.web: found: absent; .*impact: none/);
    assert.match(found, /apps\.shop\.release: found: .*shop\.conf is altered or absent; /);
    assert.match(
      found,
      /apps\.shop\.rest: found: containers of services that the release does not have: shop-old-1; /,
    );
    assert.doesNotMatch(found, /apps\.shop\.service\.database: found/);
    assert.match(
      await status(),
      /^78 .*\nshop +apps +1\.0\.0 +other containers, web absent .*\n\napps shop web +absent\napps shop +containers .*: shop-old-1$/,
    );
    const old = await containers();
    await up();
    const now = await containers();
    assert.deepEqual(replaced(old, now), ["shop-web-1"]);
    assert.ok(!now.has("shop-old-1"));
    await up("--expect-no-changes");
  });

  test("an update replaces the services that it changes, keeps the data, and the preview says so before", async () => {
    const counted = await visit();
    await shop.write("1.1.0");
    const found = await preview();
    assert.match(
      found,
      /apps\.shop\.service\.web: found: shop-web-1 runs another configuration; .*impact: containers stop/,
    );
    assert.doesNotMatch(found, /apps\.shop\.service\.database: found/);
    assert.match(await status(), /^78 .*\nshop +apps +1\.0\.0, expected 1\.1\.0 +healthy 4\/4 /);
    const old = await containers();
    await up();
    assert.deepEqual(replaced(old, await containers()), ["shop-web-1", "shop-worker-1"]);
    assert.match(
      await status(),
      /^0 .*\nshop +apps +1\.1\.0 +healthy 4\/4 .* from 1\.0\.0 +.*(web|worker) \d+\.\d s/,
    );
    assert.match(await visit("version"), /^1\.1\.0/);
    const number = (text: string): number => Number(/visitor (\d+)/.exec(text)?.[1]);
    assert.ok(number(await visit()) > number(counted), counted);
    await up("--expect-no-changes");
  });

  test("a release that never becomes healthy is rolled back, and says why; the old version is no change", async () => {
    const old = await containers();
    await shop.write("1.2.0");
    const output = await fails();
    assert.match(
      output,
      /E_APP_UPDATE release 1\.2\.0-[0-9a-f]{8} of shop is not healthy: .*; release 1\.1\.0-[0-9a-f]{8} runs again; fix: /,
    );
    assert.match(output, /shop-web-1: health check: /);
    assert.match(await visit("version"), /^1\.1\.0/);
    assert.equal((await containers()).get("shop-database-1"), old.get("shop-database-1"));
    await shop.write("1.1.0");
    assert.doesNotMatch(await up(), /apps-apps-run|CopyToRemote/);
  });

  test("a release that dies after 20 s is rolled back too", async () => {
    await shop.write("1.3.0", (_, { update }) => {
      update["monitor"] = "40s";
    });
    assert.match(
      await fails(),
      /E_APP_UPDATE release 1\.3\.0-.* did not stay as it was for 40 s: shop-w.*release 1\.1\.0-.* runs again/,
    );
    assert.match(await visit("version"), /^1\.1\.0/);
  });

  test("a volume with another definition is refused before anything stops, and its data stays", async () => {
    await shop.write("1.1.0");
    await up();
    const compose = "docker compose -p shop --project-directory /svc/apps/shop/current/project";
    const files =
      "--env-file /svc/apps/shop/current/values.env -f /svc/apps/shop/current/project/compose.yaml -f /svc/apps/shop/current/sealift.override.yaml";
    await root(`${compose} ${files} down`);
    await docker("volume rm shop_database");
    const labels = ["project=shop", "volume=database", "config-hash=0000"];
    await docker(
      `volume create ${labels.map((one) => `--label com.docker.compose.${one}`).join(" ")} shop_database`,
    );
    const { output } = await shop.site.pulumi("preview");
    assert.match(
      output,
      /E_VOLUME_RECREATE apps\.shop\.volumes: found: volume shop_database has another definition than on the host: release 1\.1\.0-/,
    );
    assert.equal((await containers()).size, 0);
    await docker("volume rm shop_database");
    await up();
  });

  for (const [what, before] of [
    ["an orderly shutdown", "systemctl stop sealift-app-shop"],
    // As a recovery that takes longer than the start of everything else: nothing that needs the database is healthy before the unit looks.
    ["a power cut", inDatabase("ALTER SYSTEM SET post_auth_delay = 5")],
  ] as const)
    test(`after a boot without an operator, following ${what}, the shop runs, and its secret was there before`, async () => {
      // The engine starts what its own files say; the newest of them would be lost with what is not on disk yet.
      await root(`${before} && sync`);
      await shop.site.guest.kill();
      shop.site.guest = await restartGuest(name, "off");
      await shop.site.guest.exec("sudo -n timeout 300 systemctl is-system-running --wait");
      assert.match(await visit("version"), /^1\.1\.0/);
      const order = await root(
        "systemctl show --property ActiveEnterTimestampMonotonic --value sealift-secrets docker sealift-app-shop",
      );
      const times = order
        .trim()
        .split("\n")
        .filter((line) => line !== "")
        .map(Number);
      assert.deepEqual(
        times,
        times.toSorted((a, b) => a - b),
        order,
      );
      // What the engine starts by itself, it starts before it is ready.
      const ready =
        'date +%s%6N --date "$(systemctl show --timestamp us --property ActiveEnterTimestamp --value docker)"';
      const since = async (one: string): Promise<number> =>
        Number(await root(`date +%s%6N --date "$(docker inspect --format {{.State.StartedAt}} ${one})"`)) -
        Number(await root(ready));
      for (const one of ["shop-web-1", "shop-worker-1"])
        assert.ok((await since(one)) > 0, `${one} has waited for those that it depends on`);
      const log = await root("journalctl --boot --output cat --unit sealift-app-shop");
      const early = /^started by the engine .*: (.*)$/m.exec(log)?.[1]?.split(" ").toSorted();
      if (what === "a power cut") {
        assert.deepEqual(early, ["shop-web-1", "shop-worker-1"], log);
        assert.ok((await since("shop-database-1")) < 0, "a database that recovers is left alone");
        await root(inDatabase("ALTER SYSTEM RESET post_auth_delay", "SELECT pg_reload_conf()"));
      } else {
        assert.equal(early, undefined, log);
      }
      await shop.write("1.1.0");
      await up("--expect-no-changes");
    });

  test("a start at boot that fails is tried again", async () => {
    const plugin = "/usr/local/lib/docker/cli-plugins/docker-compose";
    await root(
      `systemctl stop sealift-app-shop; mv ${plugin} ${plugin}.away; systemctl start sealift-app-shop || mv ${plugin}.away ${plugin}`,
    );
    await root('timeout 120 sh -c "until systemctl is-active --quiet sealift-app-shop; do sleep 1; done"');
    assert.match(await visit("version"), /^1\.1\.0/);
    await up("--expect-no-changes");
  });

  test("an unhealthy container is restarted without an operator", async () => {
    // All of its processes. One that a health check has started may have ended meanwhile.
    const pids = (await docker("top shop-web-1 -o pid")).split("\n").slice(1).join(" ").trim();
    assert.match(pids, /^[1-9]\d+/);
    // Restarts of the last hour count; on a slow machine there may be one.
    const before = (await root("rm -f /run/sealift/heal/shop-web-1; date +%s")).trim();
    await root(`for pid in ${pids}; do kill -STOP $pid || ! kill -0 $pid; done`);
    await root(
      `timeout 120 journalctl --unit sealift-heal --follow --since @${before} --output cat | grep -m 1 -q shop-web-1.is.unhealthy:.restart.1.of.at.most.5`,
    );
    assert.match(await visit("version"), /^1\.1\.0/);
    await root(
      'timeout 60 sh -c "until docker inspect --format {{.State.Health.Status}} shop-web-1 | grep -x healthy; do sleep 1; done"',
    );
    await up("--expect-no-changes");
  });

  test("the way back is the version before", async () => {
    await shop.write("1.0.0");
    const old = await containers();
    assert.doesNotMatch(await up(), /CopyToRemote/, "nothing is sent");
    assert.deepEqual(replaced(old, await containers()), ["shop-web-1", "shop-worker-1"]);
    assert.match(await visit("version"), /^1\.0\.0/);
  });

  test("a folder that another user may write to is refused", async () => {
    await root("chmod 0777 /svc/apps/shop/releases");
    const { output } = await shop.site.pulumi("preview");
    assert.match(output, /E_APP_FOLDER .*\/svc\/apps\/shop\/releases is writable by others/);
    await root("chmod 0755 /svc/apps/shop/releases");
    await up("--expect-no-changes");
  });

  test("another line of Compose replaces no container before the next change, whose preview names them all", async () => {
    const older = (text: LabSite): void => {
      Object.assign(text.engine, { compose: shop.site.lab.bundle.olderCompose });
    };
    const old = await containers();
    await shop.write("1.0.0", older);
    await up();
    await up("--expect-no-changes");
    assert.deepEqual(replaced(old, await containers()), []);
    // The first service in the alphabet: what is known of the others comes after it.
    await docker("rm --force shop-cache-1");
    assert.match(
      await preview(),
      /apps\.shop\.service\.web: found: shop-web-1 runs another configuration to compose 2\.[\d.-]+, because compose 5\.5\.0 has started it/,
    );
    await up();
    await up("--expect-no-changes");
    await shop.write("1.1.0", older);
    await up();
    assert.match(await visit("version"), /^1\.1\.0/);
    await up("--expect-no-changes");
  });
});

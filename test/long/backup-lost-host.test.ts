/**
 * A host is lost for good. What is left is the site, the bundle, the store and the recovery key; the section "When a host is lost" of
 * docs/guide/backup.md is followed by hand: once with Sealift onto a new machine, once with restic alone on the store.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { checkout } from "../lab/cache.ts";
import { type BackupSite, backupSite, shopData } from "../support/guests/backup-site.ts";
import { shopPassword, upOf } from "../support/guests/shop-site.ts";
import { runProcess } from "../support/process/run-process.ts";
import { undoAfter } from "../support/process/undo.ts";

const name = "backup-lost-host";
const docker = "/opt/docker/current/bin/docker";

describe("a host that is lost", () => {
  let shop: BackupSite;
  let visits = 0;
  let lastGood = "";
  const undo = undoAfter();
  before(async () => {
    shop = await backupSite(name);
    undo(() => shop.end());
    await shop.write("1.0.0");
    await upOf(shop.site);
    for (let visit = 0; visit < 5; visit++) visits = await visitor();
    await shop.root("systemctl start sealift-backup-shop.service");
    lastGood = (await shop.root("sed -n s/^snapshot=//p /var/lib/sealift/backup/shop/last")).trim();
    // After the backup: lost with the host.
    await visitor();
    await shop.replaceHost();
  });
  const visitor = async (): Promise<number> => Number(/visitor (\d+)/.exec(await shop.visit())?.[1]);

  test("with restic alone, and a password that the recovery key has opened", async (t) => {
    const password = (await shop.recovered(`restic-${name}.age`)).trim();
    const ours = `export RESTIC_PASSWORD=${JSON.stringify(password)} RESTIC_REPOSITORY=/data/restic/${name}
restic=$(ls /opt/sealift/restic/*/restic)`;
    const found = JSON.parse(
      await shop.onStore(`${ours}\n$restic --no-lock snapshots --json --tag app=shop`),
    ) as { readonly id: string; readonly tags: readonly string[] }[];
    assert.ok(
      found.some(({ id }) => id === lastGood),
      JSON.stringify(found),
    );
    const began = Date.now();
    await shop.onStore(`${ours}
$restic --no-lock restore ${lastGood}:/data/database --target /srv/shop-db >/dev/null
$restic --no-lock dump ${lastGood} /dump/database >/srv/shop.sql`);
    t.diagnostic(`files and dump by restic alone: ${((Date.now() - began) / 1000).toFixed(1)} s`);
    assert.equal(await shop.onStore("cat /srv/shop-db/cluster/PG_VERSION"), "17\n");
    const sql = await shop.onStore("cat /srv/shop.sql");
    assert.match(sql, /PostgreSQL database cluster dump complete/);
    assert.equal((await shop.recovered("db.age")).trim(), shopPassword);
    await shop.onStore("rm -r /srv/shop-db /srv/shop.sql");
  });

  test("on a new machine with nothing but the bundle, the store and the site: up, which makes no backup of the new data, then a restore", async (t) => {
    const began = Date.now();
    await shop.write("1.0.0");
    assert.match(
      await upOf(shop.site),
      /E_BACKUP backup\.shop\.recent: found: .*fix: sealift restore ENV shop --from /,
    );
    assert.match(await shop.root("cat /var/lib/sealift/backup/shop/failed"), /^\d+ 16 /);
    const upped = Date.now();
    const words = [join("cli", "sealift.js"), "restore", `lab-${name}`, "shop"];
    const { exitCode, stdout, stderr } = await runProcess(
      process.execPath,
      [...words, "--from", "latest", "--confirm", "shop"],
      { cwd: checkout, env: shop.site.env },
    );
    assert.equal(exitCode, 0, stdout + stderr);
    t.diagnostic(
      `up ${((upped - began) / 1000).toFixed(0)} s, restore ${((Date.now() - upped) / 1000).toFixed(0)} s`,
    );
    assert.equal(await visitor(), visits + 1);
    assert.equal(await shop.root(`stat -c %u:%g ${shopData}`), "999:999\n");
    assert.match(await upOf(shop.site), /Resources:\s+\d+ unchanged\n/);
  });

  test("the new machine makes backups into the same repository, and one is restored", async () => {
    await shop.root("systemctl start sealift-backup-shop.service");
    const now = (await shop.root("sed -n s/^snapshot=//p /var/lib/sealift/backup/shop/last")).trim();
    assert.notEqual(now, lastGood);
    const list = await shop.root("/opt/sealift/backup/restore --list shop");
    for (const id of [lastGood, now]) assert.ok(list.includes(id.slice(0, 8)), list);
    await shop.onStore("systemctl start sealift-rehearsal-shop.service");
    assert.equal(await shop.root(`${docker} ps --quiet --filter health=unhealthy`), "");
  });
});

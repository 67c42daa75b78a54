/** Two bare hosts become a shop with its first backup in a store, and a rehearsed restore; then its data is lost, and comes back. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { checkout } from "../lab/cache.ts";
import { shopData, backupSite, type BackupSite } from "../support/guests/backup-site.ts";
import { shopPassword, upOf } from "../support/guests/shop-site.ts";
import { runProcess } from "../support/process/run-process.ts";
import { undoAfter } from "../support/process/undo.ts";

const name = "backup";

describe("a site with backups", () => {
  let shop: BackupSite;
  const undo = undoAfter();
  before(async () => {
    shop = await backupSite(name);
    undo(() => shop.end());
  });

  const status = async (): Promise<string> => {
    const words = [join("cli", "sealift.js"), "status", `lab-${name}`];
    const { exitCode, stdout } = await runProcess(process.execPath, words, {
      ...{ cwd: checkout, env: shop.site.env },
    });
    return `${exitCode} ${stdout}`;
  };
  const visitors = async (): Promise<number> => Number(/visitor (\d+)/.exec(await shop.visit())?.[1]);

  test("one run: the shop keeps its data in the folder, and its first backup is in the store", async () => {
    await shop.write("1.0.0");
    const output = await upOf(shop.site);
    assert.ok(!output.includes(shopPassword));
    assert.match(await shop.visit("version"), /^1\.0\.0/);
    assert.match(await shop.root(`ls ${shopData}`), /^cluster$/m);
    assert.equal(await shop.root(`stat -c %u:%g ${shopData}`), "999:999\n");
    assert.doesNotMatch(await shop.root("/opt/docker/current/bin/docker volume ls --quiet"), /shop_database/);
    assert.match(await shop.onStore(`ls /data/restic/${name}/snapshots`), /^[0-9a-f]{64}$/m);
    assert.match(await status(), /^0 .*\nshop +backup +1\.0\.0 +healthy 4\/4 [^]*\nshop +backup +20\S+Z +/);
  });

  test("a second run changes nothing", async () => {
    assert.match(await upOf(shop.site), /Resources:\s+\d+ unchanged\n/);
  });

  test("data that is lost comes back with the restore script, as it was at the last backup", async () => {
    let before = 0;
    for (let visit = 0; visit < 3; visit++) before = await visitors();
    await shop.root("systemctl start sealift-backup-shop.service");
    for (let visit = 0; visit < 2; visit++) await visitors();
    await shop.root(
      `/opt/docker/current/bin/docker stop shop-database-1 && find ${shopData} -type f -exec truncate -s 0 {} +`,
    );
    const said = await shop.root(
      "/opt/sealift/backup/restore shop --from latest --confirm shop 2>&1; echo ended with $?",
    );
    assert.match(said, /\nended with 0\n$/, said);
    assert.equal(await visitors(), before + 1);
    assert.match(await shop.root(`ls -d ${shopData}*`), new RegExp(`^${shopData}.`, "m"));
    assert.match(await upOf(shop.site), /Resources:\s+\d+ unchanged\n/);
  });

  test("status shows the restore that was rehearsed on the store", async () => {
    await shop.onStore("systemctl start sealift-rehearsal-shop.service");
    assert.match(await status(), /\nshop +backup +20\S+Z .* 20\S+Z good in \d+ s$/m);
    const { output } = await shop.site.pulumi("preview");
    assert.match(output, /Resources:\s+\d+ unchanged\n/);
  });
});

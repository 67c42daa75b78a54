/**
 * Updates of an application that are interrupted at arbitrary moments, and releases forward and back under load. After each interruption the
 * next run converges: the wanted release and no other container, the data of the database, and no half release.
 *
 * SEALIFT_MOMENTS interruptions (default 9), SEALIFT_RELEASES updates (default 10).
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { before, describe, test } from "node:test";
import { startShopSite, upOf, type ShopSite } from "../support/guests/shop-site.ts";
import { killTree } from "../support/process/kill-tree.ts";
import { undoAfter } from "../support/process/undo.ts";

const moments = Number(process.env["SEALIFT_MOMENTS"] ?? "9");
const releases = Number(process.env["SEALIFT_RELEASES"] ?? "10");

describe("an application under interruptions", () => {
  let shop: ShopSite;
  const undo = undoAfter();
  before(async () => {
    shop = await startShopSite("apps-interrupted");
    undo(() => shop.end());
    await shop.write("1.0.0");
    await upOf(shop.site);
  });

  const versions = ["1.1.0", "1.0.0"] as const;
  const counted = async (): Promise<number> => Number(/visitor (\d+)/.exec(await shop.visit())?.[1] ?? "0");
  const isWhole = async (version: string): Promise<void> => {
    await upOf(shop.site, "--expect-no-changes");
    assert.match(await shop.visit("version"), new RegExp(`^${version.replaceAll(".", String.raw`\.`)}`));
    const names = [...(await shop.containers()).keys()].toSorted();
    assert.deepEqual(names, ["shop-cache-1", "shop-database-1", "shop-web-1", "shop-worker-1"]);
    assert.equal(await shop.root("ls -A /svc/apps/shop/releases | grep -c ^.new || true"), "0\n");
  };

  const ends: Readonly<Record<string, (pid: number) => Promise<unknown>>> = {
    "the operator's programs are killed": (pid) => {
      killTree(pid);
      return Promise.resolve();
    },
    "dockerd is killed": () => shop.root("pkill -KILL -x dockerd || true"),
    "the ssh connection is cut": () =>
      shop
        .root("pkill -KILL -f sshd-session:.*@notty || pkill -KILL -f sshd:.*@notty || true")
        .catch(() => ""),
  };
  for (let moment = 0; moment < moments; moment++)
    test(`interruption ${moment + 1}`, async () => {
      const [what, end] = Object.entries(ends)[moment % 3] ?? [];
      assert.ok(end !== undefined && what !== undefined);
      const version = versions[moment % 2] ?? "1.0.0";
      const visits = await counted();
      await shop.write(version);
      let pid = 0;
      const run = shop.site.up((started) => (pid = started));
      await sleep(3000 + Math.random() * 15_000);
      await end(pid);
      await run.catch(() => undefined);
      await shop.root(
        'timeout 300 sh -c "while systemctl list-units --plain --no-legend sealift-????????????????.service | grep -q .; do sleep 1; done; until docker version >/dev/null 2>&1; do sleep 1; done"',
      );
      await shop.site.pulumi("cancel", "--yes");
      await upOf(shop.site);
      await isWhole(version);
      assert.ok((await counted()) >= visits, what);
    });

  test("releases forward and back, and how many requests fail meanwhile", async (context) => {
    const file = "/run/requests";
    await shop.root(
      `systemd-run --quiet --unit shop-client sh -c "while :; do curl -s -o /dev/null -m 2 -w \\"%{http_code}\\\\n\\" http://127.0.0.1:8080/healthz; sleep 0.1; done >${file}"`,
    );
    for (let at = 0; at < releases; at++) {
      await shop.write(versions[at % 2] ?? "1.0.0", (_, { values }) => {
        values["SHOP_GREETING"] = `Release ${at}`;
      });
      await upOf(shop.site);
    }
    await shop.root("systemctl stop shop-client");
    const codes = (await shop.root(`sort ${file} | uniq -c`)).trim();
    const updates = await shop.root("cat /svc/apps/shop/updates");
    context.diagnostic(codes);
    context.diagnostic(updates);
    assert.match(codes, /\b200\b/);
    assert.ok(updates.trim().split("\n").length >= releases);
    await isWhole(versions[(releases - 1) % 2] ?? "1.0.0");
  });
});

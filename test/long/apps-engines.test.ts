/**
 * The shop on every engine and image store that Sealift runs, with both lines of Compose: first run, unchanged run, update, a release
 * that is rolled back, and the way back to the version before.
 */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { LabSite } from "../lab/pulumi/stack.ts";
import { startShopSite, upOf, type ShopSite } from "../support/guests/shop-site.ts";
import { undoAfter } from "../support/process/undo.ts";

interface Engine {
  readonly series: string;
  readonly store: "containerd" | "overlay2";
  /** The classic store keeps the digest of an image only when it was pulled. */
  readonly registry?: true;
}
const engines: readonly Engine[] = [
  { series: "26.1", store: "containerd" },
  { series: "28.5", store: "containerd" },
  { series: "28.5", store: "overlay2", registry: true },
  { series: "29.", store: "containerd" },
];

for (const { series, store, registry } of engines)
  describe(`the shop on engine ${series.replace(/\.$/, "")}, ${store} store${registry ? ", with a registry" : ""}`, () => {
    const name = `apps-${series.replace(".", "")}-${store}`;
    let shop: ShopSite;
    const undo = undoAfter();
    before(async () => {
      shop = await startShopSite(name);
      undo(() => shop.end());
    });

    for (const line of ["older", "newer"] as const) {
      const with_ = `with the ${line} Compose`;
      const write = (version: string): Promise<void> =>
        shop.write(version, (text: LabSite) => {
          const { plugins, olderCompose, registry: program, ...bundle } = shop.site.lab.bundle;
          text.engine.version =
            bundle.engines.find((one) => one.version.startsWith(series))?.version ?? series;
          Object.assign(text.engine, { compose: line === "older" ? olderCompose : plugins.compose });
          if (store === "overlay2") {
            Reflect.deleteProperty(text.daemon, "features");
            text.daemon["storage-driver"] = store;
          }
          if (registry)
            text.registry = {
              ...{
                name: "registry.site",
                version: program,
                mount: "/svc",
                mirroredRegistries: ["docker.io"],
              },
              hosts: [{ name, address: "10.0.2.15" }],
            };
        });
      const runs = async (version: string): Promise<void> => {
        assert.match(await shop.visit("version"), new RegExp(`^${version.replaceAll(".", String.raw`\.`)}`));
        const names = [...(await shop.containers()).keys()].toSorted();
        assert.deepEqual(names, ["shop-cache-1", "shop-database-1", "shop-web-1", "shop-worker-1"]);
        await upOf(shop.site, "--expect-no-changes");
      };
      const visitors = async (): Promise<number> => Number(/visitor (\d+)/.exec(await shop.visit())?.[1]);

      test(`first run and unchanged run, ${with_}`, async () => {
        await write("1.0.0");
        await upOf(shop.site);
        await runs("1.0.0");
        const driver = (await shop.docker("info --format '{{.ServerVersion}} {{.Driver}}'")).trim();
        assert.ok(driver.startsWith(series), driver);
        assert.match(driver, store === "overlay2" ? / overlay2$/ : / overlayfs$/);
        const compose = await shop.docker("compose version --short");
        assert.match(compose, line === "older" ? /^v?2\.26/ : /^v?5\.5/);
      });

      test(`update, ${with_}`, async () => {
        const [old, count] = [await shop.containers(), await visitors()];
        await write("1.1.0");
        await upOf(shop.site);
        await runs("1.1.0");
        assert.ok((await visitors()) > count);
        const now = await shop.containers();
        assert.equal(now.get("shop-database-1"), old.get("shop-database-1"));
        assert.notEqual(now.get("shop-web-1"), old.get("shop-web-1"));
      });

      test(`a bad release is rolled back, ${with_}`, async () => {
        const count = await visitors();
        await write("1.2.0");
        const { exitCode, output } = await shop.site.pulumi("up", "--yes", "--skip-preview");
        assert.notEqual(exitCode, 0, output);
        assert.match(
          output,
          /E_APP_UPDATE release 1\.2\.0-.* is not healthy: .*; release 1\.1\.0-.* runs again/,
        );
        assert.match(await shop.visit("version"), /^1\.1\.0/);
        await write("1.1.0");
        await upOf(shop.site);
        await runs("1.1.0");
        assert.ok((await visitors()) > count);
      });

      test(`the way back, ${with_}`, async () => {
        const count = await visitors();
        await write("1.0.0");
        await upOf(shop.site);
        await runs("1.0.0");
        assert.ok((await visitors()) > count);
      });

      // As the guide removes an application; the other line begins with nothing.
      test(`removed, ${with_}`, async () => {
        await shop.root(
          "systemctl disable --now sealift-app-shop && docker compose -p shop down --volumes && rm -r /svc/apps/shop /etc/systemd/system/sealift-app-shop.service && systemctl daemon-reload",
        );
        assert.equal((await shop.containers()).size, 0);
      });
    }
  });

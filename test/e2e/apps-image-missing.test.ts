/**
 * An image of an application is missing: in the registry, on the host, or on the host while only the application is to change. Each run
 * fails at once and names the image, the release that runs keeps serving, and no packet leaves the host for anywhere else.
 */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { defaultMirroredRegistries } from "../../modules/core/site/registry.ts";
import { pushBundle } from "../../offline-bundle/push.ts";
import { startShopSite, upOf, type ShopSite } from "../support/guests/shop-site.ts";
import { startWitness, type Witness } from "../support/guests/witness.ts";
import { undoAfter } from "../support/process/undo.ts";
import { startForeignRegistry, type ForeignRegistry } from "../support/servers/foreign-registry.ts";

const name = "apps-image-missing";
const path = "infra/mirror";
const image = "docker.io/sealift/shop";
/** Nothing is waited for: a run that changes nothing takes a third of it. */
const atOnceSeconds = 60;

describe("an application whose image is missing", () => {
  let shop: ShopSite;
  let registry: ForeignRegistry;
  let witness: Witness;
  let running: ReadonlyMap<string, string>;
  const undo = undoAfter();
  before(async () => {
    shop = await startShopSite(name);
    undo(() => shop.end());
    registry = await startForeignRegistry(shop.site.guest);
    undo(() => {
      registry.end();
    });
    await push();
    await write("1.0.0");
    witness = await startWitness(shop.site.guest);
    await upOf(shop.site);
    running = await shop.containers();
  });

  const write = (version: string, compose: "compose" | "olderCompose" = "compose"): Promise<void> =>
    shop.write(version, (text) => {
      const { engines, plugins, olderCompose } = shop.site.lab.bundle;
      // The earliest engine that follows names.
      text.engine.version = engines[1]?.version ?? "";
      Object.assign(text.engine, { compose: compose === "compose" ? plugins.compose : olderCompose });
      const url = `https://${registry.name}:${registry.port}`;
      const external = { url, ca: registry.caFile, path, allowedHosts: [registry.tokens] };
      text.registry = { external, mirroredRegistries: [...defaultMirroredRegistries] };
    });
  const push = async (): Promise<void> => {
    const { directory, allowedSigners } = shop.site.lab.bundle;
    const { caFile, port, login } = registry;
    await pushBundle(directory, `127.0.0.1:${port}/${path}`, { allowedSigners, caFile, login });
  };
  /** The registry loses every version of the shop's image; its blobs stay, so that a push can give it back. */
  const registryLoses = (): Promise<string> =>
    shop.root(`rm -r /srv/foreign/data/docker/registry/v2/repositories/${path}/${image}/_manifests`);
  /** The engine loses each of its names; the container that uses it keeps running. The engine itself refuses to do that. */
  const hostLoses = async (version: string): Promise<void> => {
    await shop.docker(`tag ${image}:${version} kept:1`);
    const ctr = "/opt/docker/current/bin/ctr -n moby images";
    await shop.root(`${ctr} ls -q | grep ${image} | xargs ${ctr} rm --sync`);
  };
  const failsAtOnce = async (...more: readonly string[]): Promise<string> => {
    const start = performance.now();
    const { exitCode, output } = await shop.site.pulumi("up", "--yes", "--skip-preview", ...more);
    const seconds = (performance.now() - start) / 1000;
    assert.notEqual(exitCode, 0, output);
    assert.ok(seconds < atOnceSeconds, `${seconds} s`);
    assert.match(await shop.visit("version"), /^1\.0\.0/);
    assert.deepEqual(await shop.containers(), running);
    assert.equal(await witness.packets(), 0);
    return output;
  };

  /** Of the phase that brings images: before it no other has changed anything. */
  const notFound = (version: string): RegExp =>
    new RegExp(
      `${name} images: E_STEP_FAILED images\\.${image}:${version.replaceAll(".", String.raw`\.`)}: found: docker pull \\S+ failed: .*not found`,
    );

  test("in the registry", async () => {
    await registryLoses();
    await write("1.1.0");
    assert.match(await failsAtOnce(), notFound("1.1.0"));
  });

  test("on the host and in the registry, of the release that runs", async () => {
    await write("1.0.0");
    await hostLoses("1.0.0");
    const { output } = await shop.site.pulumi("preview");
    assert.match(output, /images\.docker\.io\/sealift\/shop:1\.0\.0: found: absent; /);
    assert.match(await failsAtOnce(), notFound("1.0.0"));
  });

  for (const compose of ["compose", "olderCompose"] as const)
    test(`on the host, when only the application is to change, with ${compose === "compose" ? "the newer" : "the older"} Compose`, async () => {
      await write("1.1.0", compose);
      assert.match(
        await failsAtOnce("--target", "**-engine-run", "--target", "**-apps-run"),
        /E_STEP_FAILED apps\.shop\.service\.\w+: found: release 1\.1\.0-\w{8} cannot start: the engine does not have docker\.io\/sealift\/shop:1\.1\.0; nothing was stopped; expected: /,
      );
    });

  test("once the registry has it again, the same run updates the application", async () => {
    await push();
    await upOf(shop.site);
    assert.match(await shop.visit("version"), /^1\.1\.0/);
    assert.equal(await witness.packets(), 0);
    await upOf(shop.site, "--expect-no-changes");
  });
});

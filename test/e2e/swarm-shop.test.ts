/** The shop of the examples on a swarm of three hosts: from blank hosts by one run, then drift, a bad release, and a host that dies. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { checkout } from "../lab/cache.ts";
import { startSwarmShop, type SwarmShop } from "../support/guests/swarm-shop.ts";
import { runProcess } from "../support/process/run-process.ts";

const names = ["shop-a", "shop-b", "shop-c"] as const;
let shop: SwarmShop;

before(async () => {
  shop = await startSwarmShop("lab-swarm-shop", names);
});
after(() => shop.end());

const status = async (): Promise<string> => {
  const words = [join("cli", "sealift.js"), "status", "lab-swarm-shop"];
  const { exitCode, stdout, stderr } = await runProcess(process.execPath, words, {
    ...{ cwd: checkout, env: shop.env },
  });
  assert.doesNotMatch(stderr, /E_/);
  return `${exitCode} ${stdout.trimEnd()}`;
};

describe("an application on a swarm", () => {
  test("one pulumi up makes blank hosts a swarm that runs the shop, and each of them answers", async () => {
    await shop.write("1.0.0");
    await shop.up();
    for (const name of names) assert.match(await shop.visit(name), /^The shop: Good day, visitor \d+/);
  });

  test("a second run changes nothing, and status shows services by nodes", async () => {
    await shop.up("--expect-no-changes");
    const text = await status();
    assert.match(text, /^0 swarm plant-1: 3 of 3 managers reachable, 3 of 3 nodes ready, says shop-[abc]\n/);
    assert.match(text, /\napplication +service +image +replicas +shop-a +shop-b +shop-c +last update\n/);
    assert.match(text, /\nshop +database +postgres:17 +1\/1 +1 +- +- +-\n/);
    assert.match(text, /\nshop +web +shop:1\.0\.0 +3\/3 +1 +1 +1 +-\n/);
  });

  test("what a person changes is drift by name, in the preview and in status, and is repaired", async () => {
    await shop.on("shop-b", "docker service scale --detach shop_cache=2");
    await shop.on("shop-c", "docker service update --detach --env-add DEBUG=1 shop_worker");
    const { output } = await shop.pulumi("preview");
    assert.match(output, /stacks\.shop\.service\.cache: found: 2 replicas instead of 1/);
    assert.match(
      output,
      /stacks\.shop\.service\.worker: found: was changed since it was deployed: environment/,
    );
    const text = await status();
    assert.match(text, /^78 /);
    assert.match(
      text,
      /\nshop cache +2 replicas instead of 1\nshop worker +was changed since .*: environment$/,
    );
    await shop.up();
    await shop.up("--expect-no-changes");
    assert.match(await status(), /^0 /);
  });

  test("a bad release is rolled back, and the run says what its task has said", async () => {
    await shop.write("1.2.0");
    const { exitCode, output } = await shop.pulumi("up", "--yes", "--skip-preview");
    assert.notEqual(exitCode, 0, output);
    assert.match(
      output,
      /E_APP_UPDATE release 1\.2\.0-\w+ of shop does not run on the swarm: service web runs image sealift\/shop@sha256:\w{12} instead of .* \(.*roll.*\); release 1\.0\.0-\w+ runs again; fix: /,
    );
    assert.match(output, /log: .*not ready: the price list has no price/);
    for (const name of names) assert.match(await shop.visit(name, "version"), /^1\.0\.0/);
    await shop.write("1.0.0");
    await shop.up();
    assert.match(await status(), /\nshop +web +shop:1\.0\.0 +3\/3 +1 +1 +1 +\S/);
  });

  test("a host that dies is shown, and the services go on", async () => {
    await shop.guest("shop-c").kill();
    await shop.on(
      "shop-a",
      `timeout 60 sh -c 'until docker node ls --format "{{.Status}}" | grep -q Down && ! docker service ls --format "{{.Replicas}}" | grep -q ^0; do sleep 1; done'`,
    );
    for (const name of ["shop-a", "shop-b"]) assert.match(await shop.visit(name), /^The shop: Good day/);
    const text = await status();
    assert.match(text, /^78 /);
    assert.match(text, /\nswarm plant-1: 2 of 3 managers reachable, 2 of 3 nodes ready, /);
    assert.match(text, /shop-b +shop-c \(down\) +last update\n/);
    // A service that was moved may still be starting.
    assert.match(text, /\nshop-c +down, manager unreachable(\n|$)/);
  });
});

/** A member of a swarm loses its power while the shop is deployed or updated: the others keep the quorum, and the next run makes the release whole. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { startSwarmShop, type SwarmShop } from "../support/guests/swarm-shop.ts";

const names = ["deploy-a", "deploy-b", "deploy-c"] as const;
const rounds = Number(process.env["SEALIFT_CUTS"] ?? "1");
let shop: SwarmShop;

before(async () => {
  shop = await startSwarmShop("lab-swarm-deploy", names);
});
after(() => shop.end());

interface Place {
  readonly words: string;
  readonly version: string;
  readonly victim: (typeof names)[number];
  /** A shell test on a host that stays up. */
  readonly test: string;
}

const updating = "docker service inspect --format '{{.UpdateStatus.State}}' shop_web | grep -qx updating";
const first: Place = {
  words: "the first service exists, and the manager that deploys dies",
  version: "1.0.0",
  victim: "deploy-a",
  test: "docker service inspect shop_web",
};
const places: readonly Place[] = [
  {
    words: "a service is updated, and the manager that deploys dies",
    version: "1.1.0",
    victim: "deploy-a",
    test: updating,
  },
  {
    words: "a service is updated, and another manager dies",
    version: "1.0.0",
    victim: "deploy-c",
    test: updating,
  },
];

async function cut({ version, victim, test: moment }: Place): Promise<number> {
  await shop.write(version);
  const watched = victim === "deploy-b" ? "deploy-c" : "deploy-b";
  const run = shop.pulumi("up", "--yes", "--skip-preview");
  const input = `until { ${moment}; } >/dev/null 2>&1; do sleep 0.02; done`;
  const watch = shop.guest(watched).exec("sudo -n timeout 300 sh -s", { input });
  const met = await Promise.race([watch.then(({ exitCode }) => exitCode === 0), run.then(() => false)]);
  assert.ok(met, "its moment came before the run ended");
  await shop.guest(victim).kill();
  const { exitCode } = await run;
  for (const name of names)
    if (name !== victim)
      await shop.on(name, "timeout 90 sh -c 'until docker node ls >/dev/null 2>&1; do sleep 1; done'");
  await shop.restart(victim);
  await shop.write(version);
  await shop.up();
  await shop.up("--expect-no-changes");
  for (const name of names) assert.match(await shop.visit(name, "version"), new RegExp(`^${version}`));
  return exitCode;
}

describe("an application that is deployed on a swarm while a member loses its power", () => {
  test(first.words, async (context) => {
    context.diagnostic(`the run ended with ${await cut(first)}`);
  });

  for (let round = 1; round <= rounds; round++)
    for (const place of places)
      test(`${place.words}, ${round} of ${rounds}`, async (context) => {
        context.diagnostic(`the run ended with ${await cut(place)}`);
      });
});

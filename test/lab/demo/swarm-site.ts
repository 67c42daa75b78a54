/** A lab site of guests on a segment that are the managers of one swarm, with the shop on it. */
import type { LabBundle } from "../bundle/bundle.ts";
import type { Guest } from "../guest.ts";
import { labSite, type LabSite } from "../pulumi/stack.ts";
import { addressOf } from "./segment-site.ts";

export interface SwarmShopEntry {
  readonly version: string;
  /** Public part of the recovery key. */
  readonly recoveryKey: string;
  /** The encrypted password of its database, relative to the checkout. */
  readonly secret: string;
}

/** What a person writes for it beside hosts, users and engine. The database stays on the first host. */
export function swarmShop(
  names: readonly string[],
  bundle: LabBundle,
  { version, recoveryKey, secret }: SwarmShopEntry,
): Readonly<Record<string, unknown>> {
  return {
    swarm: {
      ...{ name: "plant-1", managers: names },
      addresses: Object.fromEntries(names.map((name, at) => [name, addressOf(at)])),
      addressPool: { base: "172.29.0.0/16" },
      labels: { [names[0] ?? ""]: { shop: "data" } },
    },
    secrets: { age: bundle.age, recoveryKey },
    apps: [
      {
        ...{ name: "shop", version, on: "swarm", values: { SHOP_GREETING: "Good day" } },
        secrets: { db_password: { file: secret, owner: "999:999", mode: "0444" } },
        update: { monitor: "3s", timeout: "2m" },
      },
    ],
  };
}

export async function swarmShopSite(
  guests: readonly Guest[],
  bundle: LabBundle,
  shop: SwarmShopEntry,
): Promise<LabSite> {
  const site = await labSite(guests, bundle);
  // The classic store would lose the digests of images that come over ssh.
  delete site.daemon["storage-driver"];
  site.daemon["features"] = { "containerd-snapshotter": true };
  Object.assign(
    site,
    swarmShop(
      guests.map(({ name }) => name),
      bundle,
      shop,
    ),
  );
  return site;
}

/** The swarm of a site: what each of its members knows, and which sites are refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { ownMember, swarmDefaults } from "../../modules/core/site/swarm.ts";
import { changed, problemsOf, siteOf } from "../support/fixtures/site-text.ts";
import schema from "../../stacks/site.schema.json" with { type: "json" };

/** The example, with node-a as the manager of a swarm. @param more of `swarm`, in YAML's flow style. */
function withSwarm(more = "", pool = "{ base: 172.29.0.0/16 }"): string {
  const keys = `name: plant-1, addressPool: ${pool}${more.includes("managers:") ? "" : ", managers: [node-a]"}`;
  return changed(/\n {4}hosts:\n/, `\n    swarm: { ${keys}${more === "" ? "" : `, ${more}`} }\n    hosts:\n`);
}

function refused(text: string): string {
  return problemsOf(text).map(formatProblem).join("\n");
}

test("each member knows all members, managers first, and no other host knows anything of it", () => {
  const [a, b] = siteOf(withSwarm()).hosts;
  assert.deepEqual(a?.swarm, {
    name: "plant-1",
    self: "node-a",
    members: [{ host: "node-a", address: "10.20.0.11", role: "manager", availability: "active", labels: {} }],
    removed: [],
    addressPool: { base: "172.29.0.0/16", size: swarmDefaults.poolSize },
    ingress: { mtu: swarmDefaults.mtu },
    dataPathPort: swarmDefaults.dataPathPort,
    certificateExpiry: swarmDefaults.certificateExpiry,
    networks: [],
  });
  assert.equal(b?.swarm, undefined);
  const more =
    "workers: { hosts: [node-b, node-a] }, addresses: { node-b: 10.50.0.2 }, labels: { node-b: { zone: rack-2 } }, networks: [{ name: shop, encrypted: true, mtu: 1400 }]";
  const [first, second] = siteOf(withSwarm(more)).hosts;
  assert.deepEqual(second?.swarm?.members, [
    { host: "node-a", address: "10.20.0.11", role: "manager", availability: "drain", labels: {} },
    {
      host: "node-b",
      address: "10.50.0.2",
      role: "worker",
      availability: "active",
      labels: { zone: "rack-2" },
    },
  ]);
  assert.deepEqual(ownMember(second.swarm).host, "node-b");
  assert.deepEqual(second.swarm.networks, [{ name: "shop", encrypted: true, attachable: false, mtu: 1400 }]);
  assert.deepEqual({ ...first?.swarm, self: "node-b" }, second.swarm);
});

test("members have live-restore: false, and all other hosts keep it; true on a member is refused where it is written", () => {
  const [a, b] = siteOf(withSwarm()).hosts;
  assert.deepEqual([a?.daemon["live-restore"], b?.daemon["live-restore"]], [false, true]);
  const text = withSwarm().replace(
    "storage-driver: overlay2",
    "storage-driver: overlay2\n      live-restore: true",
  );
  assert.match(
    refused(text),
    /E_CONFLICT daemon\.live-restore: found: live-restore: true on a member of the swarm; expected: live-restore: false/,
  );
});

test("workers of a class that is not defined are refused", () => {
  assert.match(
    refused(withSwarm("workers: { class: docker-host }")),
    /E_CLASS_UNKNOWN swarm\.workers\.class: found: class "docker-host" is not defined/,
  );
});

test("numbers of managers, names and addresses that cannot work are refused with the reason", () => {
  const cases: readonly [string, RegExp][] = [
    [
      "managers: [node-a, node-b]",
      /E_VALUE swarm\.managers: found: 2 managers, of which none may fail; expected: an odd number: 1 managers may lose as many/,
    ],
    [
      "managers: [node-x]",
      /E_VALUE swarm\.managers\[0\]: found: "node-x"; expected: a host of this site: node-a, node-b/,
    ],
    ["workers: { hosts: [node-x] }", /E_VALUE swarm\.workers\.hosts\[0\]: found: "node-x"/],
    [
      "labels: { node-b: { zone: r2 } }",
      /E_VALUE swarm\.labels\.node-b: found: "node-b"; expected: a member of the swarm: node-a/,
    ],
    ["removed: [node-a]", /E_CONFLICT swarm\.removed\[0\]: found: "node-a", which is also a member/],
    ["autolock: true", /E_KEY_MISSING swarm\.autolock: found: autolock: true, and no secrets: of the site/],
    ["addresses: { node-a: 127.0.0.1 }", /E_VALUE swarm\.addresses\.node-a: found: node-a has the address/],
    [
      "workers: { hosts: [node-b] }, addresses: { node-b: 10.20.0.11 }",
      /E_DUPLICATE swarm\.addresses\.node-b: found: 10\.20\.0\.11 for node-a and node-b/,
    ],
  ];
  for (const [more, words] of cases) assert.match(refused(withSwarm(more)), words);
  const named = withSwarm().replace("address: 10.20.0.11", "address: node-a.site.example");
  assert.match(
    refused(named),
    /E_KEY_MISSING swarm\.addresses: found: node-a has the address "node-a\.site\.example"/,
  );
});

test("the defaults are those that the schema documents", () => {
  const { addressPool, dataPathPort, certificates, networks, ingress } = schema.$defs.swarm.properties;
  assert.deepEqual(
    {
      poolSize: addressPool.properties.size.default,
      dataPathPort: dataPathPort.default,
      certificateExpiry: certificates.properties.expiry.default,
      mtu: ingress.properties.mtu.default,
    },
    swarmDefaults,
  );
  assert.equal(networks.items.properties.mtu.default, swarmDefaults.mtu);
});

/** Rules for the networks of a swarm: their addresses, names and numbers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { changed, problemsOf } from "../support/fixtures/site-text.ts";

/** The example with a swarm of node-a. @param keys of `swarm`, in YAML's flow style. */
function withSwarm(keys: string): string {
  return changed(
    /\n {4}hosts:\n/,
    `\n    swarm: { name: plant-1, managers: [node-a], ${keys} }\n    hosts:\n`,
  );
}

/** On a host of the example, which has no such section of its own. */
const withDaemon = (text: string, host: string, keys: string): string =>
  text
    .replace(/\n +daemon:\n +labels: .*/, "")
    .replace(`- name: ${host}\n`, `- name: ${host}\n        daemon: { ${keys} }\n`);

const good = "addressPool: { base: 172.29.0.0/16 }, ingress: { subnet: 172.28.0.0/24 }";

function refused(text: string): string {
  return problemsOf(text).map(formatProblem).join("\n");
}

test("networks that nothing else uses are accepted", () => {
  assert.equal(refused(withSwarm(`${good}, networks: [{ name: shop, encrypted: true, mtu: 1400 }]`)), "");
});

test("a pool or ingress subnet that overlaps another network of the site is refused", () => {
  const cases: readonly [string, RegExp][] = [
    [
      "addressPool: { base: 10.0.0.0/8 }",
      /E_SWARM_POOL swarm\.addressPool\.base: found: "10\.0\.0\.0\/8"; expected: a network that does not overlap 10\.20\.0\.11, host node-a/,
    ],
    [
      "addressPool: { base: 172.28.0.0/15 }, ingress: { subnet: 172.28.0.0/24 }",
      /E_SWARM_POOL swarm\.ingress\.subnet: found: "172\.28\.0\.0\/24"; expected: a network that does not overlap swarm\.addressPool 172\.28\.0\.0\/15/,
    ],
    [
      `${good.replace("172.28.0.0/24", "192.0.2.0/24")}, addresses: { node-a: 192.0.2.7 }`,
      /E_SWARM_POOL swarm\.ingress\.subnet: .* does not overlap 192\.0\.2\.7, node-a in swarm\.addresses/,
    ],
  ];
  for (const [keys, words] of cases) assert.match(refused(withSwarm(keys)), words);
});

test("so is one that overlaps a network that the site declares", () => {
  const text = withSwarm(good).replace("    hosts:\n", "    networks: [172.28.0.0/14]\n    hosts:\n");
  assert.equal(
    refused(text).match(/E_SWARM_POOL swarm\.\S+: .* does not overlap network 172\.28\.0\.0\/14/g)?.length,
    2,
  );
});

test("so is one that overlaps docker0 or the pools of a member, but not those of another host", () => {
  const pool = (host: string): string =>
    withDaemon(
      withSwarm(good),
      host,
      "default-address-pools: [{ base: 172.29.64.0/18, size: 24 }], bip: 172.28.0.1/24",
    );
  const found = refused(pool("node-a"));
  assert.match(
    found,
    /E_SWARM_POOL swarm\.addressPool\.base: .* does not overlap daemon\.default-address-pools 172\.29\.64\.0\/18/,
  );
  assert.match(
    found,
    /E_SWARM_POOL swarm\.ingress\.subnet: .* does not overlap daemon\.bip 172\.28\.0\.0\/24/,
  );
  assert.equal(refused(pool("node-b")), "");
});

test("host bits, a pool without enough networks, names of the engine and its own port are refused", () => {
  const cases: readonly [string, RegExp][] = [
    [
      "addressPool: { base: 172.29.0.1/16 }",
      /E_VALUE swarm\.addressPool\.base: .*; expected: a network address without host bits; fix: write 172\.29\.0\.0\/16/,
    ],
    [
      "addressPool: { base: 172.29.0.0/24 }",
      /E_VALUE swarm\.addressPool: found: "172\.29\.0\.0\/24" cut into networks of 24 bits: 1; expected: more than 1 networks/,
    ],
    [
      "addressPool: { base: 172.29.0.0/24, size: 20 }",
      /E_VALUE swarm\.addressPool: found: "172\.29\.0\.0\/24" cut into networks of 20 bits: none/,
    ],
    [
      `${good}, networks: [{ name: ingress }]`,
      /E_VALUE swarm\.networks\[0\]\.name: found: "ingress"; .*swarm\.ingress/,
    ],
    [`${good}, networks: [{ name: shop }, { name: shop }]`, /E_DUPLICATE swarm\.networks\[1\]\.name/],
    [`${good}, dataPathPort: 7946`, /E_CONFLICT swarm\.dataPathPort: found: 7946/],
  ];
  for (const [keys, words] of cases) assert.match(refused(withSwarm(keys)), words);
});

test("the firewall backend nftables is refused on a member, unless the engine's feature for it is set", () => {
  const daemon = (keys: string): string =>
    withDaemon(withSwarm(good), "node-a", `firewall-backend: nftables${keys}`);
  assert.match(
    refused(daemon("")),
    /E_CONFLICT hosts\[0\]\.daemon\.firewall-backend: found: nftables on a member of the swarm/,
  );
  assert.doesNotMatch(refused(daemon(", features: { swarm-nftables: true }")), /on a member of the swarm/);
});

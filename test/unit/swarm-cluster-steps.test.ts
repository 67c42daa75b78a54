/** The facts about a swarm as a whole: which ones there are, and in which order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SwarmMember, SwarmSpec } from "../../modules/core/site/swarm.ts";
import type { HostFiles } from "../../modules/core/host/blob.ts";
import { needsAge } from "../../modules/core/site/site-spec.ts";
import { secretsPhase } from "../../modules/secrets/index.ts";
import { exampleHost } from "../support/fixtures/example-host.ts";
import { clusterSteps } from "../../modules/swarm/cluster-steps.ts";

const member = (last: number, role: SwarmMember["role"], more: Partial<SwarmMember> = {}): SwarmMember => ({
  ...{ host: `node-${last}`, address: `10.0.0.${last}`, role, availability: "active", labels: {} },
  ...more,
});
const spec: SwarmSpec = {
  ...{ name: "plant-1", self: "node-1" },
  members: [
    member(1, "manager", { availability: "drain" }),
    member(2, "manager"),
    member(3, "worker", { labels: { zone: "rack-2", disk: "ssd" } }),
  ],
  addressPool: { base: "172.29.0.0/16", size: 24 },
  ingress: { mtu: 1500 },
  ...{ dataPathPort: 4789, certificateExpiry: "8760h", removed: ["node-9"] },
  networks: [{ name: "shop", encrypted: true, attachable: false, mtu: 1330 }],
};

test("quorum is asked first, promotions come before demotions, and tokens are the last", () => {
  assert.deepEqual(
    clusterSteps(spec).map(({ code }) => code),
    [
      ...["cluster.quorum", "cluster.identity", "cluster.settings", "cluster.replaced"],
      ...["cluster.node.node-1", "cluster.node.node-2", "cluster.removed.node-9", "cluster.node.node-3"],
      ...["cluster.others", "cluster.ingress", "cluster.network.shop", "cluster.networks", "cluster.tokens"],
    ],
  );
});

test("all managers have the same plan: the first one that is reached makes it true", () => {
  assert.deepEqual(clusterSteps({ ...spec, self: "node-2" }), clusterSteps(spec));
});

test("shell functions get what they compare with", () => {
  const calls = new Map(clusterSteps(spec).map(({ code, call }) => [code, call.slice(1)]));
  assert.deepEqual(calls.get("cluster.settings"), ["31536000", "172.29.0.0/16", "24", "4789"]);
  assert.deepEqual(calls.get("cluster.node.node-3"), [
    ...["node-3", "10.0.0.3", "worker", "active", "10.0.0.1 10.0.0.2", "disk=ssd", "zone=rack-2"],
  ]);
  assert.deepEqual(calls.get("cluster.removed.node-9"), [
    ...["node-9", "10.0.0.1 10.0.0.2", "10.0.0.1", "10.0.0.2", "10.0.0.3"],
  ]);
  assert.deepEqual(calls.get("cluster.ingress"), ["", "1500"]);
  assert.deepEqual(calls.get("cluster.network.shop"), ["plant-1", "shop", "encrypted", "closed", "1330"]);
});

test("managers are locked when all of them are managers, with a key that each keeps; a site that does not say it changes nothing", () => {
  const codes = (autolock?: boolean): readonly string[] =>
    clusterSteps({ ...spec, ...(autolock === undefined ? {} : { autolock }) }, secrets).map(
      ({ code }) => code,
    );
  const secrets = { age: "1.3.1", recoveryKey: "age1xyz" };
  assert.deepEqual(codes(true).slice(-4), [
    ...["cluster.networks", "cluster.autolock", "cluster.unlock-key", "cluster.tokens"],
  ]);
  assert.deepEqual(codes(false).slice(-3), ["cluster.networks", "cluster.autolock", "cluster.tokens"]);
  assert.deepEqual(
    clusterSteps({ ...spec, autolock: true }, secrets)
      .slice(-3, -1)
      .map(({ call }) => call),
    [
      ["swarm_autolock", "on", "/opt/sealift/age/1.3.1/age", "age1xyz"],
      ["swarm_unlock_key", "/opt/sealift/age/1.3.1/age", "age1xyz"],
    ],
  );
  assert.equal(codes().join().includes("lock"), false);
});

test("managers that are locked have age, without any secret; workers do not", () => {
  const { hostKey } = exampleHost();
  const age = { version: "1.3.1", sha256: "a".repeat(64), bytes: 1, path: "age.tar.gz", members: [] };
  const locked = { ...spec, autolock: true };
  const codes = (swarm: SwarmSpec): readonly string[] | undefined =>
    secretsPhase({ hostKey, swarm }, { age } as unknown as HostFiles)?.steps.map(({ code }) => code);
  assert.deepEqual(codes(locked), ["secrets.archive", "secrets.program"]);
  assert.equal(codes({ ...locked, self: "node-3" }), undefined);
  assert.equal(codes(spec), undefined);
  const needs = (swarm: SwarmSpec): boolean => needsAge({ ...exampleHost(), swarm });
  assert.deepEqual([locked, { ...locked, self: "node-3" }, spec].map(needs), [true, false, false]);
});

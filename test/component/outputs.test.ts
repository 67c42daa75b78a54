import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { recordResources } from "../support/pulumi/mocks.ts";
import { external, own, withRegistry } from "../support/fixtures/registry-site.ts";
import { changed, siteOf } from "../support/fixtures/site-text.ts";
import { caBase64 } from "../support/fixtures/test-ca.ts";

await recordResources(false);
const { shorten } = await import("../../modules/core/pulumi/as-run-error.ts");
const { hostOutput, registryOutput, siteOutputs } = await import("../../modules/rollout/outputs.ts");

const last = { report: pulumi.output("done") };
const tally = { hold: 41, warned: 0, failing: [] };
const read = <T>(value: pulumi.Output<T>): Promise<T> =>
  new Promise((resolve) => {
    value.apply(resolve);
  });
const first = (text: string): ReturnType<typeof hostOutput> => {
  const [host] = siteOf(text).hosts;
  assert.ok(host);
  return hostOutput(host, tally);
};

test("a host has outputs for what it runs, how it is reached, and by whom", () => {
  assert.deepEqual(first(changed("address: 10.20.0.11", "address: 10.20.0.11\n        port: 2222")), {
    address: "10.20.0.11",
    port: 2222,
    hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1Ab",
    hostKeyFingerprint: "SHA256:OtcbTBU3tlAp8SGvFmPjUNUbz5Pw9f+sREoeijLZkJk",
    architecture: "amd64",
    engine: "28.5.2",
    imageStore: "classic",
    dataRoot: "/data/docker",
    contexts: { deploy: "ssh://deploy@10.20.0.11:2222" },
    facts: tally,
  });
});

test("a user who may not use the engine over ssh has no docker context", () => {
  for (const more of ["docker: false", "locked: true"])
    assert.deepEqual(first(changed("uid: 1500", `uid: 1500\n        ${more}`)).contexts, {}, more);
});

test("an IPv6 address is in brackets", () => {
  const text = changed("address: 10.20.0.11", "address: fd00::11");
  assert.deepEqual(first(text).contexts, { deploy: "ssh://deploy@[fd00::11]:22" });
});

test("hosts that were not started have no output, and no output has a secret", async () => {
  const hash = "$6$salt$made-up-for-this-test";
  const specs = siteOf(withRegistry(own)).hosts.map((host) => ({
    ...host,
    users: host.users.map((user) => ({ ...user, passwordHash: hash })),
  }));
  const outputs = siteOutputs(specs, new Map([["node-a", { last, tally }]]), []);
  assert.deepEqual(Object.keys(outputs.hosts), ["node-a"]);
  const reported = await Promise.all(Object.values(outputs.hosts).map(read));
  assert.doesNotMatch(JSON.stringify(reported), /made-up-for-this-test/);
});

test("the registry's output has its CAs: those of the probe, or those that its hosts report in this run", async () => {
  const specs = siteOf(withRegistry(own)).hosts;
  const { registry } = siteOutputs(specs, new Map(), [
    pulumi.output({ certificates: [caBase64] }),
    undefined,
  ]);
  assert.ok(registry);
  const { url, caCertificates } = await read(registry);
  assert.equal(url, "https://registry.site:5000");
  const [first, ...others] = caCertificates;
  assert.ok(first);
  assert.deepEqual(others, []);
  const certificate = new X509Certificate(first.certificate);
  assert.equal(first.fingerprint, certificate.fingerprint256);
});

test("an external registry has its path in the URL; a site without one has no such output", () => {
  const [host] = siteOf(withRegistry(external)).hosts;
  assert.ok(host?.registry);
  assert.deepEqual(registryOutput(host.registry, []), {
    url: "https://harbor.corp:8443/sealift",
    caCertificates: [],
  });
  assert.equal(
    siteOutputs(siteOf(changed("uid: 1500", "uid: 1501")).hosts, new Map(), []).registry,
    undefined,
  );
});

test("a failed resource among others is reported in one line, and every other error unchanged", () => {
  const error = new Error(
    'error serializing property "known": resource a-users-run [command:remote:Command] failed to register',
  );
  shorten(error);
  assert.ok(pulumi.RunError.isInstance(error));
  assert.equal(
    error.message,
    "a-users-run failed; the resources that depend on it were not started. The error of a-users-run gives the cause",
  );
  const other = new Error("no such file");
  shorten(other);
  assert.deepEqual([other.message, pulumi.RunError.isInstance(other)], ["no such file", false]);
});

test("outputs of a host that failed while others continued say which facts do not hold", async () => {
  const [host] = siteOf(withRegistry(own)).hosts;
  assert.ok(host);
  const failing = { hold: 40, warned: 0, failing: ["users.a"] };
  const { hosts } = siteOutputs([host], new Map([[host.name, { last: undefined, tally: failing }]]), []);
  const reported = hosts[host.name];
  assert.ok(reported);
  assert.deepEqual((await read(reported)).facts, failing);
});

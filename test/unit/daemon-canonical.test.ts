import assert from "node:assert/strict";
import { test } from "node:test";
import { formatAddress, formatNetwork, parseAddress, parseCidr } from "../../modules/core/site/address.ts";
import { canonicalDaemon } from "../../modules/daemon/canonical.ts";
import { readBack } from "../../modules/daemon/read-back.ts";

/** Left: as typed; right: as Go's netip writes it. */
const addresses: readonly [typed: string, written: string][] = [
  ["10.0.0.1", "10.0.0.1"],
  ["255.255.255.255", "255.255.255.255"],
  ["::", "::"],
  ["0:0:0:0:0:0:0:1", "::1"],
  ["FD00:0201:0:0::1", "fd00:201::1"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
  ["1:0:0:0:0:0:0:0", "1::"],
  ["100:0:0:0:10:0:0:0", "100::10:0:0:0"],
  ["fd00::10.0.0.1", "fd00::a00:1"],
  ["::ffff:10.0.0.1", "::ffff:10.0.0.1"],
];
for (const [typed, written] of addresses) {
  test(`the address ${typed} is ${written}`, () => {
    const address = parseAddress(typed);
    assert.ok(address !== undefined);
    assert.equal(formatAddress(address), written);
  });
}

const networks: readonly [typed: string, written: string][] = [
  ["10.20.0.5/16", "10.20.0.0/16"],
  ["10.20.0.5/32", "10.20.0.5/32"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["FD00:0:0:1::5/48", "fd00::/48"],
  ["fd00::5/128", "fd00::5/128"],
];
for (const [typed, written] of networks) {
  test(`the network ${typed} is ${written}`, () => {
    const cidr = parseCidr(typed);
    assert.ok(cidr !== undefined);
    assert.equal(formatNetwork(cidr), written);
  });
}

const root = { "data-root": "/data/docker" };

test("networks are written and read back in the engine's own form", () => {
  const daemon = canonicalDaemon({
    ...root,
    "default-address-pools": [{ base: "FD00:201:0::/48", size: 64 }],
    "insecure-registries": ["FD00:20::/48", "10.20.0.5/16", "Registry.site:5000"],
  });
  assert.deepEqual(readBack(daemon), [
    '"DockerRootDir":"/data/docker"',
    '"fd00:20::/48"',
    '"10.20.0.0/16"',
    '"Registry.site:5000"',
    '{"Base":"fd00:201::/48","Size":64}',
  ]);
});

test("a listener is written as the kernel shows it", () => {
  const written = (address: string): unknown =>
    canonicalDaemon({ ...root, "metrics-addr": address })["metrics-addr"];
  assert.equal(written("[0:0::1]:09323"), "[::1]:9323");
  assert.equal(written("127.0.0.1:9323"), "127.0.0.1:9323");
  assert.equal(written("localhost:9323"), "localhost:9323");
});

test("ignored keys are left out, and differences between engines are made explicit", () => {
  const daemon = canonicalDaemon({
    ...root,
    runtimes: { nvidia: { args: [], path: "nvidia-container-runtime" } },
    builder: { gc: { defaultKeepStorage: "20GB" }, history: { maxEntries: 5 } },
  });
  assert.deepEqual(daemon["runtimes"], { nvidia: { path: "nvidia-container-runtime" } });
  assert.deepEqual(daemon["builder"], {
    gc: { enabled: true, defaultKeepStorage: "20GB" },
    history: { maxEntries: 5 },
  });
  const off = canonicalDaemon({ ...root, builder: { gc: { enabled: false } } });
  assert.deepEqual(off["builder"], { gc: { enabled: false } });
});

test("with userns-remap the engine works in a folder below data-root", () => {
  assert.deepEqual(readBack({ ...root, "userns-remap": "default" }), [
    '"DockerRootDir":"/data/docker/',
    '"name=userns',
  ]);
});

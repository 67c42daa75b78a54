import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, stringify } from "yaml";
import { daemonPhase } from "../../modules/daemon/index.ts";
import { exampleText, siteOf } from "../support/fixtures/site-text.ts";
import type { HostSpec } from "../../modules/core/site/site-spec.ts";

type Sections = Readonly<Record<string, unknown>>;

/** The first host of the example with these sections in place of the site's own. */
function host(sections: Sections): HostSpec {
  const file = parse(exampleText) as { config: Record<"sealift:site", Record<string, unknown>> };
  Object.assign(file.config["sealift:site"], sections);
  const [first] = siteOf(stringify(file)).hosts;
  assert.ok(first !== undefined);
  return first;
}

const root = { "data-root": "/data/docker" };

test("a key of the site takes precedence over the profile, and cis includes baseline", () => {
  const baseline = host({ daemon: root }).daemon;
  const cis = host({ daemon: { ...root, icc: true }, daemonProfile: "cis" }).daemon;
  assert.equal(baseline["icc"], false);
  assert.equal(baseline["no-new-privileges"], undefined);
  assert.equal(cis["icc"], true);
  assert.equal(cis["no-new-privileges"], true);
  assert.deepEqual(cis["default-ulimits"], baseline["default-ulimits"]);
});

test("limits of the local log driver do not apply to another driver", () => {
  assert.deepEqual(host({ daemon: { ...root, "log-driver": "json-file" } }).daemon["log-opts"], {
    "max-file": "5",
    "max-size": "20m",
  });
  assert.equal(host({ daemon: { ...root, "log-driver": "journald" } }).daemon["log-opts"], undefined);
});

test("keys of the site are merged into the profile's maps, and an empty map is empty", () => {
  const written = {
    "log-opts": { "max-size": "50m" },
    "default-ulimits": { memlock: { Name: "memlock", Soft: -1, Hard: -1 } },
  };
  const { daemon } = host({ daemon: { ...root, ...written } });
  assert.deepEqual(daemon["log-opts"], { "max-size": "50m", "max-file": "5" });
  assert.deepEqual(Object.keys(daemon["default-ulimits"] as object).toSorted(), ["memlock", "nofile"]);
  const none = host({ daemon: { ...root, "log-opts": {}, "default-ulimits": {} } }).daemon;
  assert.deepEqual([none["log-opts"], none["default-ulimits"]], [{}, {}]);
});

test("limits are a step in systemd's units, and the slice is in daemon.json", () => {
  const cases: readonly [Sections, readonly string[]][] = [
    [{ memory: "24GiB" }, ["24G", "-", "-"]],
    [{ memory: "512MiB", cpus: 1.5, tasks: 4096 }, ["512M", "150", "4096"]],
    [{ memory: "80%", cpus: "75%" }, ["80%", "75%", "-"]],
  ];
  for (const [containerLimits, words] of cases) {
    const limited = host({ daemon: root, containerLimits });
    const { steps } = daemonPhase(limited);
    const file = steps.find(({ code }) => code === "daemon.file");
    assert.deepEqual(steps[0]?.call, ["containers_slice", ...words]);
    assert.ok(file?.call.includes('"cgroup-parent": "docker.slice"'));
  }
  const steps = daemonPhase(host({ daemon: root })).steps;
  assert.deepEqual(
    steps.map(({ code }) => code),
    ["daemon.token-ca", "daemon.file", "daemon.running", "daemon.listeners", "daemon.containers"],
  );
});

test("every value that docker info shows is read back", () => {
  const daemon = {
    ...root,
    labels: ["rack=r1"],
    "registry-mirrors": ["https://registry.site:5000"],
    "insecure-registries": ["localhost:5000"],
    "default-address-pools": [{ base: "10.201.0.0/16", size: 24 }],
    "no-new-privileges": true,
    "exec-opts": ["native.cgroupdriver=systemd"],
  };
  const call = daemonPhase(host({ daemon })).steps.find(({ code }) => code === "daemon.running")?.call ?? [];
  assert.deepEqual(call.slice(2).toSorted(), [
    '"CgroupDriver":"systemd"',
    '"DockerRootDir":"/data/docker"',
    '"Driver":"overlay2"',
    '"LiveRestoreEnabled":true',
    '"LoggingDriver":"local"',
    '"https://registry.site:5000/"',
    '"localhost:5000"',
    '"name=no-new-privileges',
    '"rack=r1"',
    '{"Base":"10.201.0.0/16","Size":24}',
  ]);
});

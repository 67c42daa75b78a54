import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type PinnedEnvironment,
  environmentChanges,
} from "../../modules/environments/compare-environments.ts";
import { readLock } from "../../offline-bundle/spec/lock-file.ts";
import { exampleHost } from "../support/fixtures/example-host.ts";

const lock = await readLock("offline-bundle/bundle.lock.yaml");
const host = exampleHost();

function environment(name: string, hosts: readonly Partial<typeof host>[], pins = lock): PinnedEnvironment {
  return { name, lock: pins, hosts: hosts.map((own, at) => ({ ...host, name: `h${at}`, ...own })) };
}

const patch = { engine: { version: "28.5.2" }, team: "pay" };

test("two environments that run the same have no difference", () => {
  assert.deepEqual(environmentChanges(environment("dev", [patch]), environment("prod", [patch])), []);
});

test("a patch within a release series restarts the daemon, another series stops containers, per host", () => {
  const prod = environment("prod", [
    { team: "pay", engine: { version: "28.5.1" } },
    { team: "pay", engine: { version: "28.4.0" } },
    patch,
    { team: "else", engine: { version: "28.4.0" } },
  ]);
  const [change, ...more] = environmentChanges(environment("dev", [patch]), prod);
  assert.deepEqual(more, []);
  assert.deepEqual(change?.from, ["28.4.0", "28.5.1", "28.5.2"]);
  assert.deepEqual(change.to, ["28.5.2"]);
  assert.deepEqual(change.hosts, [
    { name: "h0", cost: "restart, containers keep running" },
    { name: "h1", cost: "containers stop" },
  ]);
});

test("without live-restore a patch stops containers as well", () => {
  const daemon = { ...host.daemon, "live-restore": false };
  const prod = environment("prod", [{ team: "pay", engine: { version: "28.5.1" }, daemon }]);
  const [change] = environmentChanges(environment("dev", [patch]), prod);
  assert.deepEqual(change?.hosts, [{ name: "h0", cost: "containers stop" }]);
});

test("the download consists of what the other lock lacks, for the present platforms", () => {
  const dev = environment("dev", [{ team: "pay", engine: { version: "29.8.1", compose: "5.5.1" } }]);
  const old = { ...lock, files: lock.files.filter(({ name }) => name !== "docker" && name !== "compose") };
  const [engine, compose] = environmentChanges(dev, environment("prod", [patch], old));
  const bytes = (name: string, version: string): number | undefined =>
    lock.files.find(
      (file) => file.name === name && file.version === version && file.platform === "linux/amd64",
    )?.bytes;
  assert.equal(engine?.bytes, bytes("docker", "29.8.1"));
  assert.equal(engine?.licence, "Apache-2.0");
  assert.deepEqual([compose?.from, compose?.to], [[], ["5.5.1"]]);
  assert.equal(compose?.bytes, bytes("compose", "5.5.1"));
  const [none] = environmentChanges(dev, environment("prod", [patch]));
  assert.equal(none?.bytes, 0);
});

test("an unknown size is not made up", () => {
  const files = lock.files.map((file) => ({ ...file, bytes: undefined })) as unknown as typeof lock.files;
  const dev = environment("dev", [{ team: "pay", engine: { version: "29.8.1" } }], { ...lock, files });
  const [change] = environmentChanges(dev, environment("prod", [patch], { ...lock, files: [] }));
  assert.equal(change?.bytes, undefined);
});

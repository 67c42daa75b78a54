import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { fingerprintOf, shownKey } from "../../modules/environments/host-keys.ts";
import { parseHostInventory } from "../../modules/environments/inventory.ts";
import { freePool, type SiteTemplate, siteTemplateText } from "../../modules/environments/site-template.ts";
import { cachePath, checkout } from "../lab/cache.ts";
import { runProcess, type ProcessResult } from "../support/process/run-process.ts";
import { silentPort } from "../support/servers/silent-port.ts";
import { siteOf } from "../support/fixtures/site-text.ts";
import { startSshd, type Sshd } from "../support/servers/sshd.ts";
import { undoAfter } from "../support/process/undo.ts";

let folder: string;
let sshd: Sshd;
const undo = undoAfter();
before(async () => {
  await mkdir(cachePath("test"), { recursive: true });
  folder = await mkdtemp(cachePath("test", "init-"));
  undo(() => rm(folder, { recursive: true }));
  sshd = await startSshd();
  undo(() => sshd.stop());
});

const disk = { path: "/dev/disk/by-id/virtio-data", bytes: 8 * 2 ** 30, serial: "data", blank: true };
const host: SiteTemplate["hosts"][number] = {
  name: "node-a",
  address: "10.0.0.1",
  port: 2222,
  sshUser: "ops",
  hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1Ab",
  architecture: "arm64",
  disk,
  choices: [disk],
  mounts: [],
};
const proposal: SiteTemplate = {
  environment: "dev",
  hosts: [host],
  pool: "172.30.0.0/16",
  engine: "28.5",
  keys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1Ab deploy@office"],
  toolkit: "",
  bundle: { directory: "bundle", allowedSigners: "signers", lock: "lock.yaml" },
};

test("the written file is a site that passes every rule", () => {
  const [first] = siteOf(siteTemplateText(proposal)).hosts;
  assert.deepEqual(first?.volumes.disks, [{ id: disk.path, serial: "data" }]);
  assert.equal(first.port, 2222);
  assert.equal(first.architecture, "arm64");
  assert.deepEqual(first.daemon["default-address-pools"], [{ base: "172.30.0.0/16", size: 24 }]);
  assert.equal(first.users[0]?.authorizedKeys.length, 1);
});

test("production requires the signatures of two people, and the first file says so", () => {
  const answer = (environment: string): unknown =>
    siteOf(siteTemplateText({ ...proposal, environment })).bundle.minSignatures;
  assert.deepEqual(["dev", "prod", "site-b-prod"].map(answer), [1, 2, 2]);
});

test("the file names the schemas that an editor reads, where they are", () => {
  for (const [toolkit, site, hosts] of [
    ["", "", "../"],
    ["node_modules/sealift/", "../node_modules/sealift/stacks/", "../../node_modules/sealift/stacks/"],
  ] as const) {
    const text = siteTemplateText({ ...proposal, toolkit });
    const named = [...text.matchAll(/\$schema=(\S+)/g)].map(([, path]) => path);
    assert.deepEqual(named, [`${site}environment.schema.json`, `${hosts}hosts.schema.json`]);
  }
});

test("which of several disks is meant is left to the user, and the file is refused until it is chosen", () => {
  const other = { ...disk, path: "/dev/disk/by-id/virtio-more" };
  const text = siteTemplateText({
    ...proposal,
    hosts: [{ ...host, disk: undefined, choices: [disk, other] }],
  });
  assert.match(text, /# {3}\/dev\/disk\/by-id\/virtio-more {2}8 GiB/);
  assert.throws(() => siteOf(text), /E_KEY_MISSING hosts\[0\]\.volumes\.disks/);
});

const srv = { path: "/srv", filesystem: "xfs", bytes: 500 * 2 ** 30, availableBytes: 400 * 2 ** 30 } as const;
const laidOut: typeof host = { ...host, disk: undefined, choices: [], mounts: [srv] };

test("existing mounts are proposed where there is no blank disk, and engines store their files there", () => {
  const text = siteTemplateText({ ...proposal, hosts: [laidOut] });
  assert.match(text, /# No blank disk; laid out by others: \/srv {2}xfs, 500 GiB, 400 GiB available\n/);
  assert.doesNotMatch(text, /logicalVolumes/);
  const [only] = siteOf(text).hosts;
  assert.deepEqual(only?.volumes.existing, [{ mount: "/srv", filesystem: "xfs" }]);
  assert.equal(only.daemon["data-root"], "/srv/docker");
});

test("in one site a host has volumes, another existing storage, a third existing storage elsewhere", () => {
  const elsewhere = { ...laidOut, name: "node-c", port: 2224, mounts: [{ ...srv, path: "/data" }, srv] };
  const text = siteTemplateText({
    ...proposal,
    hosts: [host, { ...laidOut, name: "node-b", port: 2223 }, elsewhere],
  });
  assert.match(text, /# {3}and \/srv {2}xfs/);
  const hosts = siteOf(text).hosts.map(({ volumes, daemon }) => [
    volumes.logicalVolumes.length,
    volumes.existing?.map(({ mount }) => mount),
    daemon["data-root"],
  ]);
  assert.deepEqual(hosts, [
    [3, undefined, "/data/docker"],
    [0, ["/srv"], "/srv/docker"],
    [0, ["/data"], "/data/docker"],
  ]);
});

test("the host's report of its disks and mounts gets into the file in the form of a site file, or not at all", () => {
  const words =
    "disk=/dev/disk/by-id/a}#b,100,S1,blank disk=/etc/x,100,S1,blank mount=/a}b,xfs,1,1 mount=/a/../b,xfs,1,1 mount=/c,btrfs,1,1 mount=/d,xfs,1e99,1";
  const { disks, mounts } = parseHostInventory(words);
  assert.deepEqual([disks, mounts], [[], []]);
});

test("the network for containers has no address to which a host has a route", () => {
  assert.equal(freePool([]), "172.30.0.0/16");
  assert.equal(freePool(["172.16.0.0/12", "10.1.0.0/16"]), "10.254.0.0/16");
  assert.equal(freePool(["172.30.5.0/24"]), "172.31.0.0/16");
  assert.equal(freePool(["0.0.0.0/0"]), undefined);
});

test("a disk with several names is one disk, under the name that a person knows", () => {
  const words =
    "hostname=n arch=amd64 disk=/dev/disk/by-id/wwn-0x5000,100,S1,blank,sda disk=/dev/disk/by-id/ata-X_S1,100,S1,blank,sda " +
    "disk=/dev/disk/by-id/virtio-b,200,-,used,vdb mount=/logs,ext4,900,100 mount=/srv,xfs,500,400 route=10.0.0.0/24";
  assert.deepEqual(parseHostInventory(words), {
    hostname: "n",
    architecture: "amd64",
    disks: [
      { path: "/dev/disk/by-id/ata-X_S1", bytes: 100, serial: "S1", blank: true },
      { path: "/dev/disk/by-id/virtio-b", bytes: 200, blank: false },
    ],
    mounts: [
      { path: "/srv", filesystem: "xfs", bytes: 500, availableBytes: 400 },
      { path: "/logs", filesystem: "ext4", bytes: 900, availableBytes: 100 },
    ],
    routes: ["10.0.0.0/24"],
  });
});

test("the key that a host presents, with the fingerprint that its console prints", async () => {
  const { key, fingerprint } = await shownKey(sshd.host, sshd.port);
  assert.equal(key, sshd.hostKey.split(" ").slice(0, 2).join(" "));
  const file = join(folder, "key.pub");
  await writeFile(file, sshd.hostKey);
  const { stdout } = await runProcess("ssh-keygen", ["-lf", file], {});
  assert.equal(stdout.split(" ")[1], fingerprint);
  assert.equal(fingerprintOf(key), fingerprint);
});

/** The command as typed, without a terminal. */
function init(...words: readonly string[]): Promise<ProcessResult> {
  return runProcess(process.execPath, [join(checkout, "cli", "sealift.js"), "init", ...words], {
    cwd: folder,
  });
}

test("the jump host is written once, for all hosts", () => {
  const jump = { address: "10.0.0.9", port: 2200, sshUser: "hop", hostKey: host.hostKey };
  const [first] = siteOf(siteTemplateText({ ...proposal, jumpHost: jump })).hosts;
  assert.deepEqual(first?.jumpHost, jump);
});

test("nothing is written that nobody has compared, nor over an existing file", async () => {
  const answer = await init("dev", "--host", `a=${sshd.host}:${sshd.port}`);
  assert.equal(answer.exitCode, 65, answer.stderr);
  assert.match(
    answer.stderr,
    /a: E_HOST_KEY host key: found: SHA256:\S+, not verified; .*--host-key SHA256:/,
  );
  const none = await init("dev");
  assert.match(none.stderr, /E_VALUE --host: found: no host/);
  const silent = await init("dev", "--host", `a=127.0.0.1:${await silentPort()}`);
  assert.equal(silent.exitCode, 69, silent.stderr);
  assert.match(silent.stderr, /E_HOST_UNREACHABLE host key: found: no response/);
  await mkdir(join(folder, "stacks"), { recursive: true });
  assert.deepEqual(await readdir(join(folder, "stacks")), []);
  await writeFile(join(folder, "stacks", "dev.site.yaml"), "mine\n");
  const there = await init("dev", "--host", `a=${sshd.host}:${sshd.port}`);
  assert.match(there.stderr, /stacks\/dev\.site\.yaml: E_VALUE environment: found: the file already exists/);
  await writeFile(
    join(folder, "stacks", "Pulumi.old.yaml"),
    "config:\n  sealift:site: { shared: site.yaml }\n",
  );
  const old = await init("old", "--host", `a=${sshd.host}:${sshd.port}`);
  assert.match(
    old.stderr,
    /found: the environment already has a site; .*sealift:site from stacks\/Pulumi\.old/,
  );
});

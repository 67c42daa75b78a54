import assert from "node:assert/strict";
import { test } from "node:test";
import { parseInventory } from "../../modules/inventory.ts";
import { leastDiskBytes, proposalText, type Proposal } from "../../modules/proposal.ts";
import { siteOf } from "../support/site-text.ts";

/** Names of disks as a host says them: path below /dev/disk, bytes, serial, use, node. */
function paths(...disks: readonly string[]): readonly string[] {
  const words = disks.map((disk) => `disk=/dev/disk/${disk}`).join(" ");
  return parseInventory(words).disks.map(
    ({ path, blank }) => `${path.replace("/dev/disk/", "")} ${blank ? "blank" : "used"}`,
  );
}

test("two namespaces of an NVMe drive are two disks, by the names that lead to one of them only", () => {
  const names = (node: string, number: number, use: string): string[] => [
    `by-id/nvme-VENDOR_P5520_PHAX0001,1920,PHAX0001,${use},${node}`,
    `by-id/nvme-VENDOR_P5520_PHAX0001_${number},1920,PHAX0001,${use},${node}`,
    `by-id/nvme-eui.0${number},1920,PHAX0001,${use},${node}`,
  ];
  assert.deepEqual(paths(...names("nvme0n1", 1, "used"), ...names("nvme0n2", 2, "blank")), [
    "by-id/nvme-VENDOR_P5520_PHAX0001_1 used",
    "by-id/nvme-VENDOR_P5520_PHAX0001_2 blank",
  ]);
  assert.deepEqual(
    paths(
      "by-id/nvme-V_P1,9,P1,used,nvme0n1",
      "by-id/nvme-eui.01,9,P1,used,nvme0n1",
      "by-id/nvme-eui.02,9,P1,blank,nvme0n2",
    ),
    ["by-id/nvme-eui.01 used", "by-id/nvme-eui.02 blank"],
  );
});

test("two LUNs with the serial number of their array are two disks; several names of one disk are one", () => {
  assert.deepEqual(
    paths(
      "by-id/scsi-3600a01,2,ARRAY1,blank,sdb",
      "by-id/wwn-0x600a01,2,ARRAY1,blank,sdb",
      "by-id/scsi-3600a02,2,ARRAY1,blank,sdc",
    ),
    ["by-id/scsi-3600a01 blank", "by-id/scsi-3600a02 blank"],
  );
  assert.deepEqual(paths("by-id/scsi-36000c29aaaa,1,-,blank,sdb", "by-id/wwn-0x6000c29aaaa,1,-,blank,sdb"), [
    "by-id/scsi-36000c29aaaa blank",
  ]);
});

test("a disk without an id has the name of its place, and one with both the id", () => {
  assert.deepEqual(paths("by-path/pci-0000:03:00.0-scsi-0:0:1:0,1,-,blank,sdb"), [
    "by-path/pci-0000:03:00.0-scsi-0:0:1:0 blank",
  ]);
  assert.deepEqual(paths("by-path/pci-0000:03:00.0,1,S,blank,vdb", "by-id/virtio-S,1,S,blank,vdb"), [
    "by-id/virtio-S blank",
  ]);
});

test("names that udev writes are taken, and no others", () => {
  assert.deepEqual(
    paths(
      "by-id/virtio-BLK#1,1,-,blank,vda",
      "by-id/ata-X\\x2fY,1,-,blank,sda",
      "by-id/a=b,1,-,blank,sdb",
      "by-id/a'b,1,-,blank,sdc",
    ),
    ["by-id/virtio-BLK#1 blank", "by-id/ata-X\\x2fY blank", "by-id/a=b blank"],
  );
  assert.equal(parseInventory("disk=/dev/disk/by-id/a,1,S}X,blank,sda").disks[0]?.serial, undefined);
});

test("the volumes that init writes fit onto the smallest disk that it has found", () => {
  const proposal = (...bytes: readonly number[]): Proposal => ({
    environment: "dev",
    hosts: bytes.map((size, at) => {
      const disk = { path: `/dev/disk/by-id/virtio-${at}`, bytes: size, blank: true };
      return {
        name: `node-${at}`,
        address: `10.0.0.${at + 1}`,
        port: 22,
        login: "ops",
        hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1Ab",
        ...{ architecture: "amd64", disk, choices: [disk], mounts: [] },
      };
    }),
    pool: "172.30.0.0/16",
    engine: "28.5",
    keys: [],
    bundle: { directory: "bundle", allowedSigners: "signers", lock: "lock.yaml" },
  });
  const sizes = (...bytes: readonly number[]): readonly string[] =>
    siteOf(proposalText(proposal(...bytes))).hosts[0]?.volumes.logical.map(({ size }) => size) ?? [];
  assert.deepEqual(sizes(500 * 2 ** 30), ["10GiB", "10GiB", "80%FREE"]);
  assert.deepEqual(sizes(500 * 2 ** 30, 8 * 2 ** 30), ["2GiB", "2GiB", "80%FREE"]);
  assert.deepEqual(sizes(leastDiskBytes), ["1GiB", "1GiB", "80%FREE"]);
  assert.deepEqual(sizes(17 * 1000 ** 3), ["3GiB", "3GiB", "80%FREE"]);
});

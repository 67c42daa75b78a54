import assert from "node:assert/strict";
import { test } from "node:test";
import { parseHostInventory, type Disk } from "../../modules/environments/inventory.ts";
import {
  minDiskBytes,
  siteTemplateText,
  type SiteTemplate,
} from "../../modules/environments/site-template.ts";
import { siteOf } from "../support/fixtures/site-text.ts";

/** Disks as a host reports them: path below /dev/disk, bytes, serial, use, node. */
function paths(...disks: readonly string[]): readonly string[] {
  const words = disks.map((disk) => `disk=/dev/disk/${disk}`).join(" ");
  return parseHostInventory(words).disks.map(
    ({ path, blank }) => `${path.replace("/dev/disk/", "")} ${blank ? "blank" : "used"}`,
  );
}

test("two namespaces of an NVMe drive are two disks, with the names that lead to one of them only", () => {
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

/** What a machine with a LUN of two paths and an NVMe drive of two namespaces says (Debian 13, kernel 6.12, udev 257). */
const recorded = [
  "nvme-QEMU_NVMe_Ctrl_S1,5368709120,S1,blank,nvme0n2,nvme0n2",
  "nvme-QEMU_NVMe_Ctrl_S1_1,5368709120,S1,blank,nvme0n2,nvme0n2",
  "nvme-QEMU_NVMe_Ctrl_S1_2,5368709120,S1,blank,nvme0n1,nvme0n1",
  "nvme-nvme.1b36-5331-51454d55204e564d65204374726c-00000001,5368709120,S1,blank,nvme0n2,nvme0n2",
  "nvme-nvme.1b36-5331-51454d55204e564d65204374726c-00000002,5368709120,S1,blank,nvme0n1,nvme0n1",
].map((disk) => `by-id/${disk}`);

test("a LUN with two paths is one disk that needs multipath first; once multipathd has it, it is that disk and its paths are in use", () => {
  const alone = [
    ...recorded,
    "by-id/scsi-35000c50015ea71ac,5368709120,MPDISK1,blank,sdb,sda+sdb",
    "by-id/wwn-0x5000c50015ea71ac,5368709120,MPDISK1,blank,sdb,sda+sdb",
    "by-path/pci-0000:00:12.0-scsi-0:0:0:0,5368709120,MPDISK1,blank,sda,sda+sdb",
  ];
  const namespaces = ["by-id/nvme-QEMU_NVMe_Ctrl_S1_1 blank", "by-id/nvme-QEMU_NVMe_Ctrl_S1_2 blank"];
  assert.deepEqual(paths(...alone), [...namespaces, "by-id/scsi-35000c50015ea71ac blank"]);
  const { disks } = parseHostInventory(alone.map((disk) => `disk=/dev/disk/${disk}`).join(" "));
  assert.deepEqual(
    disks.map(({ unjoined }) => unjoined),
    [undefined, undefined, ["sda", "sdb"]],
  );
  assert.deepEqual(
    paths(
      "by-id/dm-uuid-mpath-35000c50015ea71ac,5368709120,-,blank,dm-0,dm-0",
      "by-id/scsi-35000c50015ea71ac,5368709120,-,blank,dm-0,dm-0",
      "by-id/wwn-0x5000c50015ea71ac,5368709120,-,blank,dm-0,dm-0",
      ...recorded,
      "by-path/pci-0000:00:12.0-scsi-0:0:0:0,5368709120,MPDISK1,used,sda,sda+sdb",
      "by-path/pci-0000:00:12.0-scsi-0:0:1:0,5368709120,MPDISK1,used,sdb,sda+sdb",
    ),
    [
      "by-id/dm-uuid-mpath-35000c50015ea71ac blank",
      ...namespaces,
      "by-path/pci-0000:00:12.0-scsi-0:0:0:0 used",
    ],
  );
});

test("a disk without an id has the name of its path, and one with both has the id", () => {
  assert.deepEqual(paths("by-path/pci-0000:03:00.0-scsi-0:0:1:0,1,-,blank,sdb"), [
    "by-path/pci-0000:03:00.0-scsi-0:0:1:0 blank",
  ]);
  assert.deepEqual(paths("by-path/pci-0000:03:00.0,1,S,blank,vdb", "by-id/virtio-S,1,S,blank,vdb"), [
    "by-id/virtio-S blank",
  ]);
});

test("names that udev writes are accepted, and no others", () => {
  assert.deepEqual(
    paths(
      "by-id/virtio-BLK#1,1,-,blank,vda",
      "by-id/ata-X\\x2fY,1,-,blank,sda",
      "by-id/a=b,1,-,blank,sdb",
      "by-id/a'b,1,-,blank,sdc",
    ),
    ["by-id/virtio-BLK#1 blank", "by-id/ata-X\\x2fY blank", "by-id/a=b blank"],
  );
  assert.equal(parseHostInventory("disk=/dev/disk/by-id/a,1,S}X,blank,sda").disks[0]?.serial, undefined);
});

test("the volumes that init proposes fit onto the smallest disk found", () => {
  const proposal = (bytes: readonly number[], more: Partial<Disk> = {}): SiteTemplate => ({
    environment: "dev",
    hosts: bytes.map((size, at) => {
      const disk = { path: `/dev/disk/by-id/virtio-${at}`, bytes: size, blank: true, ...more };
      return {
        name: `node-${at}`,
        address: `10.0.0.${at + 1}`,
        port: 22,
        sshUser: "ops",
        hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1Ab",
        ...{ architecture: "amd64", disk, choices: [disk], mounts: [] },
      };
    }),
    pool: "172.30.0.0/16",
    engine: "28.5",
    toolkit: "",
    keys: [],
    bundle: { directory: "bundle", allowedSigners: "signers", lock: "lock.yaml" },
  });
  const sizes = (...bytes: readonly number[]): readonly string[] =>
    siteOf(siteTemplateText(proposal(bytes))).hosts[0]?.volumes.logicalVolumes.map(({ size }) => size) ?? [];
  assert.deepEqual(sizes(500 * 2 ** 30), ["10GiB", "10GiB", "80%FREE"]);
  assert.deepEqual(sizes(500 * 2 ** 30, 8 * 2 ** 30), ["2GiB", "2GiB", "80%FREE"]);
  assert.deepEqual(sizes(minDiskBytes), ["1GiB", "1GiB", "80%FREE"]);
  assert.deepEqual(sizes(17 * 1000 ** 3), ["3GiB", "3GiB", "80%FREE"]);
  const joined = (unjoined?: readonly string[]): string =>
    siteTemplateText(proposal([minDiskBytes], unjoined === undefined ? {} : { unjoined }));
  assert.match(
    joined(["sda", "sdb"]),
    /# Reached by several paths \(sda, sdb\), which nothing joins: set up multipathd/,
  );
  assert.doesNotMatch(joined(), /several paths/);
});

import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { LogicalVolumeSpec, VolumesSpec } from "../../modules/core/site/site-spec.ts";
import { startFunctions, type ShellFunctions } from "../support/guests/shell-functions.ts";
import { changes, drifts, firstDisk, secondDisk, stepsOf } from "../support/guests/volumes-under-test.ts";
import { vm } from "../lab/machine-choice.ts";
import { undoAfter } from "../support/process/undo.ts";

/** What the guards refuse, in a probe and again in a run, and what is adopted instead. Neither changes anything. */
let on: ShellFunctions;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("volumes-refused", vm("lvm"), {
    extraDisks: [
      { serial: "lab-more", sizeGiB: 1 },
      { serial: "lab-4kn", sizeGiB: 1, blockBytes: 4096 },
      { sizeGiB: 1 },
    ],
  });
  undo(() => on.end());
});

const data: LogicalVolumeSpec = { name: "data", size: "1GiB", mount: "/data" };
const dataWith = (change: Partial<LogicalVolumeSpec>): Partial<VolumesSpec> => ({
  logicalVolumes: [{ ...data, ...change }],
});

/** Expects the step to be refused by a probe and by a run, with LVM's own metadata unchanged by both. */
async function refused(change: Partial<VolumesSpec>, message: RegExp): Promise<void> {
  const steps = stepsOf({ logicalVolumes: [data], ...change });
  const before = await on.root("vgs --noheadings -o vg_name,vg_seqno; mount | wc -l");
  const checked = await drifts(on, steps);
  assert.ok(
    checked.some((line) => message.test(line)),
    checked.join("\n"),
  );
  const [code = ""] = checked.find((line) => message.test(line))?.split(": ") ?? [];
  const failed = (await changes(on, steps)).join("\n");
  assert.match(failed, new RegExp(`E_STEP_FAILED ${code.replaceAll(".", "\\.")}: found: E_`));
  assert.equal(await on.root("vgs --noheadings -o vg_name,vg_seqno; mount | wc -l"), before);
}

test("a disk that is absent", () =>
  refused(
    { disks: [{ id: "/dev/disk/by-id/virtio-other" }] },
    /^volumes\.group: refused E_DISK_ABSENT no disk \/dev\/disk\/by-id\/virtio-other, by-id has: virtio-lab-4kn virtio-lab-data virtio-lab-more; fix: correct/,
  ));

test("a wrong serial number, with both numbers", () =>
  refused(
    { disks: [{ id: firstDisk, serial: "S3Z9NX0M600001" }] },
    /refused E_DISK_SERIAL .*virtio-lab-data has serial number lab-data, but the site says S3Z9NX0M600001; fix: find out/,
  ));

test("volumes larger than the disks together", () =>
  refused(
    { ...dataWith({ size: "9GiB" }), disks: [{ id: firstDisk }, { id: secondDisk }] },
    /refused E_DISK_TOO_SMALL the volumes need 9216 MiB more, but vg0 has 9208 MiB; fix: reduce/,
  ));

test("a percentage that gives less than a volume needs", () =>
  refused(
    {
      logicalVolumes: [
        { ...data, size: "7GiB" },
        { name: "rest", size: "90%FREE", mount: "/rest" },
      ],
    },
    /refused E_DISK_TOO_SMALL 90%FREE for vg0\/rest is 918 MiB; minimum: 1024 MiB; fix: reduce/,
  ));

test("disks with different logical block sizes, and one disk under two names", async () => {
  const more = (id: string): Partial<VolumesSpec> => ({ disks: [{ id: firstDisk }, { id }] });
  await refused(
    more("/dev/disk/by-id/virtio-lab-4kn"),
    /refused E_VOLUME_GROUP .*virtio-lab-4kn has a logical block size of 4096 bytes, but .*virtio-lab-data has 512; fix: use/,
  );
  const place = (await on.root("udevadm info --query=property --property=ID_PATH --value /dev/vdb")).trim();
  await refused(
    more(`/dev/disk/by-path/${place}`),
    /refused E_VOLUME_GROUP .*virtio-lab-data and .*by-path\/\S+ are the same disk; fix: use/,
  );
});

const accepted = async (...ids: readonly string[]): Promise<void> => {
  const steps = stepsOf({ logicalVolumes: [data], disks: ids.map((id) => ({ id })) });
  assert.match((await drifts(on, steps)).join("\n"), /^volumes\.group: drift /m);
};

test("a disk that multipathd holds, which its own name makes usable", async () => {
  // The mapping that multipathd makes of a disk with one path: multipath-tools 0.9, dmsetup(8).
  const uuid = "mpath-0QEMU_lab_more";
  await on.root(
    `echo "0 $(blockdev --getsz ${secondDisk}) linear ${secondDisk} 0" | dmsetup create mpatha --uuid ${uuid} && udevadm settle`,
  );
  await refused(
    { disks: [{ id: secondDisk }] },
    /refused E_DISK_IN_USE .*virtio-lab-more .*; fix: multipathd uses it: use \/dev\/disk\/by-id\/dm-uuid-mpath-0QEMU_lab_more instead/,
  );
  await accepted(firstDisk, `/dev/disk/by-id/dm-uuid-${uuid}`);
  await on.root("dmsetup remove mpatha && udevadm settle");
});

test("disks without serial numbers, which have names by their place", async () => {
  const inventory = await on.root(`. /run/sealift-library.sh; value_inventory`);
  const [, place = ""] = /disk=(\/dev\/disk\/by-path\/[^,]+),1073741824,-,blank,/.exec(inventory) ?? [];
  assert.notEqual(place, "", inventory);
  await accepted(firstDisk, place);
  await on.root("mv /dev/disk/by-id /dev/disk/kept");
  await refused(
    {},
    /refused E_DISK_ABSENT no disk .*virtio-lab-data, by-id has: nothing, by-path has: \S+.*; fix: set a serial number for the disk/,
  );
  await on.root("mv /dev/disk/kept /dev/disk/by-id");
});

test("the name of an NVMe drive with several namespaces, each of which has its own", async () => {
  // The links that udev makes; the emulated disks are virtio ones.
  const name = "/dev/disk/by-id/nvme-QEMU_S1";
  await on.root(`ln -s ../../vdb ${name}_1 && ln -s ../../vdc ${name}_2 && ln -s ../../vdc ${name}`);
  await refused(
    { disks: [{ id: name }] },
    /refused E_DISK_NAME .*nvme-QEMU_S1 is ambiguous between several namespaces: nvme-QEMU_S1_1 nvme-QEMU_S1_2; fix: use the name of one namespace/,
  );
  await accepted(`${name}_1`);
  await on.root(`rm ${name} ${name}_1 ${name}_2`);
});

test("a disk that LVM is configured to ignore", async () => {
  const local = "/etc/lvm/lvmlocal.conf";
  await on.root(
    `cp ${local} /run/lvmlocal.conf 2>/dev/null; echo 'devices { global_filter = [ "r|/dev/vdb|" ] }' >${local}`,
  );
  await refused(
    {},
    /refused E_VOLUME_GROUP LVM rejects \S+virtio-lab-data: .*rejected by filter config; fix: check filter/,
  );
  await on.root(`rm ${local}; if test -e /run/lvmlocal.conf; then cp /run/lvmlocal.conf ${local}; fi`);
});

test("a second disk that carries another group", async () => {
  await on.root(`vgcreate -q other ${secondDisk}`);
  await refused(
    { disks: [{ id: firstDisk }, { id: secondDisk }] },
    /refused E_DISK_IN_USE .*virtio-lab-more is a physical volume of group other; fix: use/,
  );
  await on.root(`vgremove -q other && pvremove -q ${secondDisk}`);
});

test("a mount point that contains files, is a link, or is already used", async () => {
  const found = (what: string): RegExp =>
    new RegExp(`^volumes\\.data\\.mount: refused E_MOUNT_POINT ${what}`);
  await on.root("mkdir /data && touch /data/.hidden");
  assert.ok(
    (await drifts(on, stepsOf({ logicalVolumes: [data] }))).some((line) =>
      found("/data contains 1 entries that the mount would hide; fix: move").test(line),
    ),
  );
  await on.root("rm -r /data && ln -s /opt /data");
  assert.ok(
    (await drifts(on, stepsOf({ logicalVolumes: [data] }))).some((line) =>
      found("/data is not a directory; fix: move").test(line),
    ),
  );
  await on.root("rm /data && mkdir /data && mount -t tmpfs here /data");
  assert.ok(
    (await drifts(on, stepsOf({ logicalVolumes: [data] }))).some((line) =>
      found("here is mounted at /data; fix: unmount").test(line),
    ),
  );
  await on.root("umount /data");
});

test("an existing group and volume are adopted if they match, without a change", async () => {
  await on.root("vgcreate -q vg0 /dev/vdb && lvcreate -q -y -L 1g -n data vg0 && mkfs.xfs -q /dev/vg0/data");
  const before = await on.root("vgs --noheadings -o vg_seqno vg0; blkid /dev/vg0/data");
  assert.deepEqual(await changes(on, stepsOf({ logicalVolumes: [data] })), ["volumes.data.mount: changed"]);
  assert.equal(await on.root("vgs --noheadings -o vg_seqno vg0; blkid /dev/vg0/data"), before);
});

test("more than the free space of the group", () =>
  refused(
    {
      logicalVolumes: [
        { ...data, size: "4GiB" },
        { name: "more", size: "5GiB", mount: "/more" },
      ],
    },
    /^volumes\.group: refused E_VOLUME_SPACE the volumes need 8192 MiB more, but vg0 has 7164 MiB free; fix: reduce/,
  ));

test("a smaller size", async () => {
  await on.root("lvextend -q -L 2g vg0/data");
  await refused(
    {},
    /^volumes\.data: refused E_SHRINK vg0\/data is 2048 MiB and would shrink to 1024 MiB; fix: set/,
  );
});

test("growth under a snapshot", async () => {
  await on.root("lvcreate -q -s -L 100m -n snap vg0/data");
  await refused(
    dataWith({ size: "3GiB" }),
    /^volumes\.data: refused E_VOLUME_KIND vg0\/data has a snapshot and cannot grow/,
  );
  const kept = stepsOf(dataWith({ size: "2GiB" }) as Pick<VolumesSpec, "logicalVolumes">);
  assert.deepEqual(await changes(on, kept), ["volumes.data.filesystem: changed"]);
  await on.root("lvremove -qy vg0/snap");
});

test("a file system of another type, none at all, and an xfs that overlay2 cannot use", async () => {
  const found = (what: string): RegExp =>
    new RegExp(
      `^volumes\\.two\\.filesystem: refused E_FILESYSTEM vg0/two contains ${what} and was not created by this run; fix: set`,
    );
  const two = { logicalVolumes: [{ name: "two", size: "1GiB", mount: "/two" }] };
  await on.root("lvcreate -q -y -L 1g -n two vg0");
  await refused(two, found("no file system"));
  await on.root("mkfs.ext4 -q /dev/vg0/two");
  await refused(two, found("ext4"));
  await on.root("wipefs -qa /dev/vg0/two && mkfs.xfs -q -m crc=0 -n ftype=0 /dev/vg0/two");
  await refused(two, found("xfs with ftype=0"));
});

test("a volume that is mounted elsewhere", async () => {
  await on.root(
    "wipefs -qa /dev/vg0/two && mkfs.ext4 -q /dev/vg0/two && mkdir /old && mount /dev/vg0/two /old",
  );
  await refused(
    { logicalVolumes: [{ name: "two", size: "1GiB", mount: "/two", filesystem: "ext4" }] },
    /^volumes\.two\.mount: refused E_MOUNT_POINT vg0\/two is already mounted at \/old; fix: unmount/,
  );
});

test("a thin volume", async () => {
  // The guest lacks thin_check.
  const unchecked = `--config 'global/thin_check_executable=""'`;
  await on.root(
    `lvcreate -q -y ${unchecked} -T -L 512m vg0/pool && lvcreate -q -y ${unchecked} -V 1g -T vg0/pool -n thin`,
  );
  await refused(
    { logicalVolumes: [{ name: "thin", size: "1GiB", mount: "/thin" }] },
    /^volumes\.thin: refused E_VOLUME_KIND vg0\/thin is thin,sparse; fix: use/,
  );
});

test("a group on a disk that the site does not list, or with a missing disk", async () => {
  await on.root(`vgextend -q vg0 ${secondDisk} && lvcreate -q -y -L 100m -n far vg0 ${secondDisk}`);
  const expected = { logicalVolumes: [data, { name: "far", size: "2GiB", mount: "/far" }] };
  await refused(
    expected,
    /^volumes\.group: refused E_VOLUME_GROUP vg0 also uses \/dev\/vd\w, which is not in the site; fix: compare/,
  );
  await on.root("lvchange -an vg0/far");
  const node = (await on.root(`basename $(readlink -f ${secondDisk})`)).trim();
  await on.root(
    `basename $(readlink -f /sys/block/${node}/device) >/sys/bus/virtio/drivers/virtio_blk/unbind`,
  );
  await refused(
    expected,
    /^volumes\.group: refused E_VOLUME_GROUP vg0 is missing 1 of its disks; fix: compare/,
  );
});

import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { LogicalVolumeSpec, VolumesSpec } from "../../modules/core/site-spec.ts";
import { startFunctions, type ShellFunctions } from "../support/shell-functions.ts";
import { changes, drifts, secondDisk, stepsOf } from "../support/volumes-under-test.ts";
import { vm } from "../lab/machine-choice.ts";
import { undoAfter } from "../support/undo.ts";

/** What the guards refuse, told by a look and again by a run, and what is adopted instead. Nothing is changed by either. */
let on: ShellFunctions;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("volumes-refused", vm("lvm"), {
    extraDisks: [{ serial: "lab-more", sizeGiB: 1 }],
  });
  undo(() => on.end());
});

const data: LogicalVolumeSpec = { name: "data", size: "1GiB", mount: "/data" };
const dataWith = (change: Partial<LogicalVolumeSpec>): Partial<VolumesSpec> => ({
  logical: [{ ...data, ...change }],
});

/** Wants the step refused by a look and by a run, with LVM's own record untouched by both. */
async function refused(change: Partial<VolumesSpec>, message: RegExp): Promise<void> {
  const steps = stepsOf({ logical: [data], ...change });
  const before = await on.root("vgs --noheadings -o vg_name,vg_seqno; mount | wc -l");
  const looked = await drifts(on, steps);
  assert.ok(
    looked.some((line) => message.test(line)),
    looked.join("\n"),
  );
  const [code = ""] = looked.find((line) => message.test(line))?.split(": ") ?? [];
  const failed = (await changes(on, steps)).join("\n");
  assert.match(failed, new RegExp(`E_STEP ${code.replaceAll(".", "\\.")}: got E_`));
  assert.equal(await on.root("vgs --noheadings -o vg_name,vg_seqno; mount | wc -l"), before);
}

test("a disk that is not there", () =>
  refused(
    { disk: "/dev/disk/by-id/virtio-other" },
    /^volumes\.group: refused E_DISK_ABSENT no disk \/dev\/disk\/by-id\/virtio-other, by-id has: virtio-lab-data virtio-lab-more; correct/,
  ));

test("a wrong serial number, with both", () =>
  refused(
    { serial: "S3Z9NX0M600001" },
    /refused E_DISK_SERIAL .*virtio-lab-data has the serial number lab-data, and the site says S3Z9NX0M600001; find out/,
  ));

test("volumes larger than the disks together", () =>
  refused(
    { ...dataWith({ size: "9GiB" }), moreDisks: [{ disk: secondDisk }] },
    /refused E_DISK_TOO_SMALL the volumes ask for 9216 MiB more, and vg0 has 9208 MiB; make/,
  ));

test("a percentage that gives less than a volume needs", () =>
  refused(
    {
      logical: [
        { ...data, size: "7GiB" },
        { name: "rest", size: "90%FREE", mount: "/rest" },
      ],
    },
    /refused E_DISK_TOO_SMALL 90%FREE for vg0\/rest is 918 MiB, and a volume has at least 1024 MiB; make/,
  ));

test("a second disk that carries another group", async () => {
  await on.root(`vgcreate -q other ${secondDisk}`);
  await refused(
    { moreDisks: [{ disk: secondDisk }] },
    /refused E_DISK_IN_USE .*virtio-lab-more is a physical volume of group other; take/,
  );
  await on.root(`vgremove -q other && pvremove -q ${secondDisk}`);
});

test("a mount point that holds files, is a link, or has something else on it", async () => {
  const found = (what: string): RegExp =>
    new RegExp(`^volumes\\.data\\.mount: refused E_MOUNT_POINT ${what}`);
  await on.root("mkdir /data && touch /data/.hidden");
  assert.ok(
    (await drifts(on, stepsOf({ logical: [data] }))).some((line) =>
      found("/data holds 1 entries that the mount would hide; move").test(line),
    ),
  );
  await on.root("rm -r /data && ln -s /opt /data");
  assert.ok(
    (await drifts(on, stepsOf({ logical: [data] }))).some((line) =>
      found("/data is not a directory; move").test(line),
    ),
  );
  await on.root("rm /data && mkdir /data && mount -t tmpfs here /data");
  assert.ok(
    (await drifts(on, stepsOf({ logical: [data] }))).some((line) =>
      found("here is mounted at /data; unmount").test(line),
    ),
  );
  await on.root("umount /data");
});

test("a group and a volume of a person are adopted when they match, without a change", async () => {
  await on.root("vgcreate -q vg0 /dev/vdb && lvcreate -q -y -L 1g -n data vg0 && mkfs.xfs -q /dev/vg0/data");
  const before = await on.root("vgs --noheadings -o vg_seqno vg0; blkid /dev/vg0/data");
  assert.deepEqual(await changes(on, stepsOf({ logical: [data] })), ["volumes.data.mount: changed"]);
  assert.equal(await on.root("vgs --noheadings -o vg_seqno vg0; blkid /dev/vg0/data"), before);
});

test("more than what is free in the group", () =>
  refused(
    {
      logical: [
        { ...data, size: "4GiB" },
        { name: "more", size: "5GiB", mount: "/more" },
      ],
    },
    /^volumes\.group: refused E_VOLUME_SPACE the volumes ask for 8192 MiB more, and what is free in vg0 has 7164 MiB; make/,
  ));

test("a smaller size", async () => {
  await on.root("lvextend -q -L 2g vg0/data");
  await refused(
    {},
    /^volumes\.data: refused E_SHRINK vg0\/data is 2048 MiB and would shrink to 1024 MiB; write/,
  );
});

test("growth under a snapshot", async () => {
  await on.root("lvcreate -q -s -L 100m -n snap vg0/data");
  await refused(
    dataWith({ size: "3GiB" }),
    /^volumes\.data: refused E_VOLUME_KIND vg0\/data has a snapshot and does not grow/,
  );
  const kept = stepsOf(dataWith({ size: "2GiB" }) as Pick<VolumesSpec, "logical">);
  assert.deepEqual(await changes(on, kept), ["volumes.data.filesystem: changed"]);
  await on.root("lvremove -qy vg0/snap");
});

test("a file system of another kind, none at all, and an xfs that overlay2 cannot use", async () => {
  const found = (what: string): RegExp =>
    new RegExp(
      `^volumes\\.two\\.filesystem: refused E_FILESYSTEM vg0/two carries ${what}, and it was not made by this run; name`,
    );
  const two = { logical: [{ name: "two", size: "1GiB", mount: "/two" }] };
  await on.root("lvcreate -q -y -L 1g -n two vg0");
  await refused(two, found("no file system"));
  await on.root("mkfs.ext4 -q /dev/vg0/two");
  await refused(two, found("ext4"));
  await on.root("wipefs -qa /dev/vg0/two && mkfs.xfs -q -m crc=0 -n ftype=0 /dev/vg0/two");
  await refused(two, found("an xfs without ftype"));
});

test("a volume that is mounted somewhere else", async () => {
  await on.root(
    "wipefs -qa /dev/vg0/two && mkfs.ext4 -q /dev/vg0/two && mkdir /old && mount /dev/vg0/two /old",
  );
  await refused(
    { logical: [{ name: "two", size: "1GiB", mount: "/two", filesystem: "ext4" }] },
    /^volumes\.two\.mount: refused E_MOUNT_POINT vg0\/two is mounted at \/old already; unmount/,
  );
});

test("a thin volume", async () => {
  // The guest lacks thin_check.
  const unchecked = `--config 'global/thin_check_executable=""'`;
  await on.root(
    `lvcreate -q -y ${unchecked} -T -L 512m vg0/pool && lvcreate -q -y ${unchecked} -V 1g -T vg0/pool -n thin`,
  );
  await refused(
    { logical: [{ name: "thin", size: "1GiB", mount: "/thin" }] },
    /^volumes\.thin: refused E_VOLUME_KIND vg0\/thin is thin,sparse; take/,
  );
});

test("a group on a disk that the site does not name, or that misses one", async () => {
  await on.root(`vgextend -q vg0 ${secondDisk} && lvcreate -q -y -L 100m -n far vg0 ${secondDisk}`);
  const wanted = { logical: [data, { name: "far", size: "2GiB", mount: "/far" }] };
  await refused(
    wanted,
    /^volumes\.group: refused E_VOLUME_GROUP vg0 is on \/dev\/vd\w as well, which the site does not name; look/,
  );
  await on.root("lvchange -an vg0/far");
  const node = (await on.root(`basename $(readlink -f ${secondDisk})`)).trim();
  await on.root(
    `basename $(readlink -f /sys/block/${node}/device) >/sys/bus/virtio/drivers/virtio_blk/unbind`,
  );
  await refused(wanted, /^volumes\.group: refused E_VOLUME_GROUP vg0 misses 1 of its disks; look/);
});

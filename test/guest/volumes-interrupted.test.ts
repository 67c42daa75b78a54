import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { LogicalVolumeSpec } from "../../modules/core/site/site-spec.ts";
import { startFunctions, type ShellFunctions } from "../support/guests/shell-functions.ts";
import { changes, drifts, firstDisk, secondDisk, stepsOf } from "../support/guests/volumes-under-test.ts";
import { vm } from "../lab/machine-choice.ts";
import { undoAfter } from "../support/process/undo.ts";

/** Each state that a run leaves if it is interrupted between two of its commands, and the next run. */
let on: ShellFunctions;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("volumes-cut", vm("lvm"), { extraDisks: [{ serial: "lab-more", sizeGiB: 1 }] });
  undo(() => on.end());
  await on.root("mkdir -p /var/lib/sealift");
});

const logicalVolumes: readonly LogicalVolumeSpec[] = [{ name: "data", size: "1GiB", mount: "/data" }];
const note = "/var/lib/sealift/new-physical-volume";

test("before vgcreate: a physical volume without a group is accepted with the note, and refused without it", async () => {
  await on.root(`pvcreate -q ${firstDisk}`);
  const [group] = await drifts(on, stepsOf({ logicalVolumes }));
  assert.match(
    group ?? "",
    /^volumes\.group: refused E_DISK_IN_USE .*contains a signature: LVM2_member .*; fix: use another disk/,
  );
  await on.root(`echo ${firstDisk} >${note}`);
  assert.deepEqual(await changes(on, stepsOf({ logicalVolumes }).slice(0, 1)), ["volumes.group: changed"]);
  await on.root(`test ! -e ${note}`);
});

test("after vgcreate: the note has no effect any more", async () => {
  await on.root(`echo ${firstDisk} >${note}`);
  assert.deepEqual(await changes(on, stepsOf({ logicalVolumes }).slice(0, 2)), ["volumes.data: changed"]);
  await on.root(`test ! -e ${note}`);
});

test("before mkfs: the volume with the tag is formatted, active or not", async () => {
  await on.root("lvchange -an vg0/data");
  assert.deepEqual(
    (await drifts(on, stepsOf({ logicalVolumes })))[0],
    "volumes.data: drift no such volume, or not active",
  );
  assert.deepEqual(await changes(on, stepsOf({ logicalVolumes }).slice(0, 3)), [
    "volumes.data: changed",
    "volumes.data.filesystem: changed",
  ]);
  assert.equal((await on.root("lvs --noheadings -o lv_tags vg0/data")).trim(), "");
});

test("after mkfs: a volume with its tag does not count as used, whatever its extents contained before", async () => {
  await on.root("lvchange --addtag sealift_new vg0/data");
  assert.equal(
    (await drifts(on, stepsOf({ logicalVolumes })))[0],
    "volumes.data.filesystem: drift not formatted yet",
  );
  assert.deepEqual(await changes(on, stepsOf({ logicalVolumes })), [
    "volumes.data.filesystem: changed",
    "volumes.data.mount: changed",
  ]);
});

test("a volume in use is not formatted, even with the tag and another type requested", async () => {
  await on.root("cp /bin/true /data/kept && lvchange --addtag sealift_new vg0/data");
  const ext4 = stepsOf({
    logicalVolumes: logicalVolumes.map((volume) => ({ ...volume, filesystem: "ext4" as const })),
  });
  assert.match(
    (await drifts(on, ext4))[0] ?? "",
    /^volumes\.data\.filesystem: refused E_FILESYSTEM vg0\/data contains xfs/,
  );
  assert.match(
    (await changes(on, ext4)).join("\n"),
    /E_STEP_FAILED volumes\.data\.filesystem: found: E_FILESYSTEM/,
  );
  await on.root("cmp /bin/true /data/kept && lvchange --deltag sealift_new vg0/data");
});

test("before the mount unit is enabled or started: both are done", async () => {
  await on.root("systemctl disable -q --now data.mount");
  assert.deepEqual(await drifts(on, stepsOf({ logicalVolumes })), [
    "volumes.data.mount: drift data.mount is not started at boot",
  ]);
  assert.deepEqual(await changes(on, stepsOf({ logicalVolumes })), ["volumes.data.mount: changed"]);
});

test("before vgextend: the second disk is accepted with the note", async () => {
  await on.root(`pvcreate -q ${secondDisk} && echo ${secondDisk} >${note}`);
  const expected = stepsOf({ logicalVolumes, disks: [{ id: firstDisk }, { id: secondDisk }] });
  assert.deepEqual(await drifts(on, expected), [`volumes.group: drift vg0 is not on ${secondDisk}`]);
  assert.deepEqual(await changes(on, expected), ["volumes.group: changed"]);
  assert.deepEqual(await changes(on, expected), []);
});

test("a disk that is removed from the site while no volume uses it is refused by name", async () => {
  const [refused = "", ...others] = await drifts(on, stepsOf({ logicalVolumes }));
  assert.match(
    refused,
    /^volumes\.group: refused E_VOLUME_GROUP vg0 also uses \S+, which is not in the site; /,
  );
  assert.deepEqual(others, []);
});

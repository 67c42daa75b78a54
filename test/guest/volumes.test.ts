import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { LogicalVolumeSpec } from "../../modules/core/site/site-spec.ts";
import { keepTranscript } from "../lab/demo/transcript.ts";
import { restartGuest } from "../lab/guest.ts";
import { vm } from "../lab/machine-choice.ts";
import { shellOn, startFunctions, type ShellFunctions } from "../support/guests/shell-functions.ts";
import { undoAfter } from "../support/process/undo.ts";
import { changes, drifts, firstDisk, secondDisk, stepsOf } from "../support/guests/volumes-under-test.ts";

/** The life of volumes on one guest, from a blank disk on. */
let on: ShellFunctions;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("volumes", vm("lvm"), {
    extraDisks: [
      { serial: "lab-more", sizeGiB: 2 },
      { serial: "lab-next", sizeGiB: 3 },
    ],
  });
  undo(() => on.end());
});

const svc: LogicalVolumeSpec = {
  name: "svc",
  size: "1GiB",
  filesystem: "ext4",
  mount: "/svc",
  options: ["nodev", "nosuid", "noexec"],
  owner: "1500:1500",
  mode: "0750",
};
const data: LogicalVolumeSpec = { name: "data", size: "2GiB", mount: "/data" };
const rest: LogicalVolumeSpec = { name: "rest", size: "50%FREE", mount: "/data/in-here" };
const site = [svc, data, rest];
const steps = stepsOf({ logicalVolumes: site });

test("a bare host: everything is missing, nothing is refused", async () => {
  assert.deepEqual(await drifts(on, steps), [
    "volumes.group: drift volume group vg0 does not exist",
    "volumes.svc: drift no such volume, or not active",
    "volumes.svc.filesystem: drift no such volume",
    "volumes.svc.mount: drift no such volume",
    "volumes.svc.ownership: drift nothing mounted at /svc",
    "volumes.data: drift no such volume, or not active",
    "volumes.data.filesystem: drift no such volume",
    "volumes.data.mount: drift no such volume",
    "volumes.rest: drift no such volume, or not active",
    "volumes.rest.filesystem: drift no such volume",
    "volumes.rest.mount: drift no such volume",
  ]);
  assert.equal(await on.root("pvs --noheadings"), "");
});

test("everything is created, and created once", async () => {
  const made = await changes(on, steps);
  assert.deepEqual(
    made,
    steps.map(({ code }) => `${code}: changed`),
  );
  assert.deepEqual(await changes(on, steps), []);
  const sizes = await on.root("lvs --noheadings --nosuffix --units m -o lv_name,lv_size,lv_tags vg0");
  // Half of the 5116 MiB that a disk of 8 GiB has left, in extents of 4 MiB.
  assert.deepEqual(sizes.trim().split(/\s+/), ["data", "2048.00", "rest", "2556.00", "svc", "1024.00"]);
  assert.match(
    await on.root("grep ' /svc ' /proc/mounts"),
    /^\/dev\/mapper\/vg0-svc \/svc ext4 rw,nosuid,nodev,noexec,relatime/,
  );
  assert.equal(await on.root("stat -c '%u:%g %a' /svc"), "1500:1500 750\n");
  assert.match(await on.root("xfs_info /data"), /ftype=1/);
});

test("systemd orders the mounts before what needs them, and units have the names that systemd gives them", async () => {
  const unit = "data-in\\\\x2dhere.mount";
  assert.match(await on.root(`systemctl show -p After ${unit}`), /data\.mount/);
  assert.match(await on.root(`systemctl show -p Before ${unit}`), /local-fs\.target/);
  assert.equal(await on.root("systemd-escape -p --suffix=mount /data/in-here"), "data-in\\x2dhere.mount\n");
});

test("an unmounted mount point cannot be written to, not even by root", async () => {
  await on.root("systemctl stop svc.mount");
  const { exitCode, stderr } = await on.guest.exec("sudo -n touch /svc/lost");
  assert.notEqual(exitCode, 0);
  assert.match(stderr, /Operation not permitted/);
  assert.deepEqual(await drifts(on, steps), [
    "volumes.svc.mount: drift nothing mounted at /svc",
    "volumes.svc.ownership: drift nothing mounted at /svc",
  ]);
  assert.deepEqual(await changes(on, steps), ["volumes.svc.mount: changed"]);
});

test("changed options take effect while a file is open, without an unmount", async () => {
  await on.root("sh -c 'sleep 1000 <&- >/svc/open 2>&1 & echo $! >/run/holder'");
  const other = stepsOf({ logicalVolumes: [{ ...svc, options: ["noatime"] }, data, rest] });
  assert.deepEqual(await drifts(on, other), [
    "volumes.svc.mount: drift /etc/systemd/system/svc.mount is altered",
  ]);
  assert.deepEqual(await changes(on, other), ["volumes.svc.mount: changed"]);
  assert.match(await on.root("grep ' /svc ' /proc/mounts"), /vg0-svc \/svc ext4 rw,noatime /);
  await on.root("mount -o remount,nosuid,relatime /svc");
  assert.deepEqual(await drifts(on, other), [
    "volumes.svc.mount: drift mounted at /svc with nosuid without noatime",
  ]);
  assert.deepEqual(await changes(on, steps), ["volumes.svc.mount: changed"]);
  await on.root("kill -0 $(cat /run/holder) && kill $(cat /run/holder)");
});

test("owner and mode of the top directory are corrected, what is below it stays", async () => {
  await on.root("mkdir -p /svc/below && chown 0:0 /svc && chmod 2777 /svc");
  assert.deepEqual(await drifts(on, steps), ["volumes.svc.ownership: drift owner 0:0, mode 2777"]);
  assert.deepEqual(await changes(on, steps), ["volumes.svc.ownership: changed"]);
  assert.equal(await on.root("stat -c '%u:%g %a' /svc /svc/below"), "1500:1500 750\n0:0 755\n");
});

test("a mount that is not started at boot and a file system that is too small are found separately and corrected", async () => {
  const breakages: readonly [command: string, found: readonly string[], changed: readonly string[]][] = [
    [
      "systemctl disable -q --now svc.mount",
      [
        "volumes.svc.mount: drift svc.mount is not started at boot",
        "volumes.svc.ownership: drift nothing mounted at /svc",
      ],
      ["volumes.svc.mount: changed"],
    ],
    [
      "systemctl disable -q --no-reload data.mount",
      ["volumes.data.mount: drift data.mount is not started at boot"],
      ["volumes.data.mount: changed"],
    ],
    [
      "systemctl stop svc.mount && e2fsck -fp /dev/vg0/svc && resize2fs /dev/vg0/svc 200M && systemctl start svc.mount",
      ["volumes.svc.filesystem: drift ext4 is 824 MiB smaller than its volume"],
      ["volumes.svc.filesystem: changed"],
    ],
  ];
  for (const [command, found, changed] of breakages) {
    await on.root(`{ ${command}; } >/dev/null 2>&1`);
    assert.deepEqual(await drifts(on, steps), found);
    assert.deepEqual(await changes(on, steps), changed);
    assert.deepEqual(await drifts(on, steps), []);
  }
});

test("a file system smaller than its volume is grown, mounted or not", async () => {
  await on.root("systemctl stop svc.mount 'data-in\\x2dhere.mount'");
  await on.root("for more in svc:1g data:1g rest:256m; do lvextend -q -L +${more#*:} vg0/${more%:*}; done");
  const larger = stepsOf({ logicalVolumes: [{ ...svc, size: "2GiB" }, { ...data, size: "3GiB" }, rest] });
  assert.deepEqual(await drifts(on, larger), [
    "volumes.svc.filesystem: drift ext4 is 1024 MiB smaller than its volume",
    "volumes.svc.mount: drift nothing mounted at /svc",
    "volumes.svc.ownership: drift nothing mounted at /svc",
    "volumes.data.filesystem: drift xfs is 1024 MiB smaller than its volume",
    "volumes.rest.filesystem: drift xfs is 256 MiB smaller than its volume",
    "volumes.rest.mount: drift nothing mounted at /data/in-here",
  ]);
  assert.deepEqual(await changes(on, larger), [
    "volumes.svc.filesystem: changed",
    "volumes.svc.mount: changed",
    "volumes.data.filesystem: changed",
    "volumes.rest.filesystem: changed",
    "volumes.rest.mount: changed",
  ]);
  assert.equal(await on.root("ls /svc/below /svc/open"), "/svc/open\n\n/svc/below:\n");
});

test("a disk is added to the group while in use, and a volume grows onto it", async () => {
  await on.root("cp /bin/true /data/kept");
  const expected = stepsOf({
    disks: [
      { id: firstDisk, serial: "lab-data" },
      { id: secondDisk, serial: "lab-more" },
    ],
    logicalVolumes: [{ ...svc, size: "2GiB" }, { ...data, size: "5GiB" }, rest],
  });
  assert.deepEqual(await drifts(on, expected), [
    `volumes.group: drift vg0 is not on ${secondDisk}`,
    "volumes.data: drift 3072 MiB",
  ]);
  assert.deepEqual(await changes(on, expected), [
    "volumes.group: changed",
    "volumes.data: changed",
    "volumes.data.filesystem: changed",
  ]);
  assert.deepEqual(await changes(on, expected), []);
  await on.root("cmp /bin/true /data/kept");
  assert.match(await on.root("df --output=size -BG /data"), / 5G/);
});

test("after a power cut everything is as it was", async () => {
  await on.root("sync");
  await on.guest.kill();
  on = await shellOn(await restartGuest("volumes", "off"));
  const expected = stepsOf({
    disks: [{ id: firstDisk }, { id: secondDisk }],
    logicalVolumes: [{ ...svc, size: "2GiB" }, { ...data, size: "5GiB" }, rest],
  });
  assert.deepEqual(await drifts(on, expected), []);
});

test("a disk is replaced while its volumes are in use, with the commands of docs/guide/day-2.md", async () => {
  const nextDisk = secondDisk.replace("lab-more", "lab-next");
  const logicalVolumes = [{ ...svc, size: "2GiB" }, { ...data, size: "5GiB" }, rest];
  const both = stepsOf({ disks: [{ id: firstDisk }, { id: secondDisk }, { id: nextDisk }], logicalVolumes });
  const after = stepsOf({ disks: [{ id: firstDisk }, { id: nextDisk }], logicalVolumes });
  assert.deepEqual(await drifts(on, both), [`volumes.group: drift vg0 is not on ${nextDisk}`]);
  assert.deepEqual(await changes(on, both), ["volumes.group: changed"]);
  const [early] = await drifts(on, after);
  assert.match(early ?? "", /^volumes\.group: refused E_VOLUME_GROUP /);
  const commands = [
    `pvmove ${secondDisk} ${nextDisk}`,
    `vgreduce vg0 ${secondDisk}`,
    `pvremove ${secondDisk}`,
    "pvs",
  ];
  const log: string[] = [];
  for (const command of commands) log.push(`$ sudo ${command}\n${await on.root(`${command} 2>&1`)}`);
  keepTranscript("replaced-disk", log.join("\n"));
  assert.deepEqual(await drifts(on, after), []);
  await on.root("cmp /bin/true /data/kept");
});

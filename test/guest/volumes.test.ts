import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { LogicalVolumeSpec } from "../../modules/core/site-spec.ts";
import { restartGuest } from "../lab/guest.ts";
import { vm } from "../lab/machine-choice.ts";
import { shellOn, startFunctions, type ShellFunctions } from "../support/shell-functions.ts";
import { undoAfter } from "../support/undo.ts";
import { changes, drifts, secondDisk, stepsOf } from "../support/volumes-under-test.ts";

/** The life of volumes on one guest, from a blank disk on. */
let on: ShellFunctions;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("volumes", vm("lvm"), { extraDisks: [{ serial: "lab-more", sizeGiB: 2 }] });
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
const steps = stepsOf({ logical: site });

test("a bare host: everything is missing, nothing is refused", async () => {
  assert.deepEqual(await drifts(on, steps), [
    "volumes.group: drift no volume group vg0",
    "volumes.svc: drift no such volume, or it is not active",
    "volumes.svc.filesystem: drift no such volume",
    "volumes.svc.mount: drift no such volume",
    "volumes.svc.root: drift nothing mounted at /svc",
    "volumes.data: drift no such volume, or it is not active",
    "volumes.data.filesystem: drift no such volume",
    "volumes.data.mount: drift no such volume",
    "volumes.rest: drift no such volume, or it is not active",
    "volumes.rest.filesystem: drift no such volume",
    "volumes.rest.mount: drift no such volume",
  ]);
  assert.equal(await on.root("pvs --noheadings"), "");
});

test("all of it is made, and made once", async () => {
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

test("systemd orders the mounts before what needs them, and a unit has the name that systemd gives it", async () => {
  const unit = "data-in\\\\x2dhere.mount";
  assert.match(await on.root(`systemctl show -p After ${unit}`), /data\.mount/);
  assert.match(await on.root(`systemctl show -p Before ${unit}`), /local-fs\.target/);
  assert.equal(await on.root("systemd-escape -p --suffix=mount /data/in-here"), "data-in\\x2dhere.mount\n");
});

test("an unmounted mount point cannot be written, not even by root", async () => {
  await on.root("systemctl stop svc.mount");
  const { exitCode, stderr } = await on.guest.exec("sudo -n touch /svc/lost");
  assert.notEqual(exitCode, 0);
  assert.match(stderr, /Operation not permitted/);
  assert.deepEqual(await drifts(on, steps), [
    "volumes.svc.mount: drift nothing mounted at /svc",
    "volumes.svc.root: drift nothing mounted at /svc",
  ]);
  assert.deepEqual(await changes(on, steps), ["volumes.svc.mount: changed"]);
});

test("changed options take hold while a file is open, and without an unmount", async () => {
  await on.root("sh -c 'sleep 1000 <&- >/svc/open 2>&1 & echo $! >/run/holder'");
  const other = stepsOf({ logical: [{ ...svc, options: ["noatime"] }, data, rest] });
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

test("owner and mode of the top directory are put right, what lies below is left", async () => {
  await on.root("mkdir -p /svc/below && chown 0:0 /svc && chmod 2777 /svc");
  assert.deepEqual(await drifts(on, steps), ["volumes.svc.root: drift owner 0:0, mode 2777"]);
  assert.deepEqual(await changes(on, steps), ["volumes.svc.root: changed"]);
  assert.equal(await on.root("stat -c '%u:%g %a' /svc /svc/below"), "1500:1500 750\n0:0 755\n");
});

test("a mount that nobody starts and a file system that is too small are found, each alone, and put right", async () => {
  const breakages: readonly [command: string, found: readonly string[], changed: readonly string[]][] = [
    [
      "systemctl disable -q --now svc.mount",
      [
        "volumes.svc.mount: drift svc.mount is not started at boot",
        "volumes.svc.root: drift nothing mounted at /svc",
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

test("a volume that is larger already than its file system, mounted or not, is filled", async () => {
  await on.root("systemctl stop svc.mount 'data-in\\x2dhere.mount'");
  await on.root("for more in svc:1g data:1g rest:256m; do lvextend -q -L +${more#*:} vg0/${more%:*}; done");
  const larger = stepsOf({ logical: [{ ...svc, size: "2GiB" }, { ...data, size: "3GiB" }, rest] });
  assert.deepEqual(await drifts(on, larger), [
    "volumes.svc.filesystem: drift ext4 is 1024 MiB smaller than its volume",
    "volumes.svc.mount: drift nothing mounted at /svc",
    "volumes.svc.root: drift nothing mounted at /svc",
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

test("a disk is added to the group while it is in use, and a volume grows onto it", async () => {
  await on.root("cp /bin/true /data/kept");
  const wanted = stepsOf({
    serial: "lab-data",
    moreDisks: [{ disk: secondDisk, serial: "lab-more" }],
    logical: [{ ...svc, size: "2GiB" }, { ...data, size: "5GiB" }, rest],
  });
  assert.deepEqual(await drifts(on, wanted), [
    `volumes.group: drift vg0 is not on ${secondDisk}`,
    "volumes.data: drift 3072 MiB",
  ]);
  assert.deepEqual(await changes(on, wanted), [
    "volumes.group: changed",
    "volumes.data: changed",
    "volumes.data.filesystem: changed",
  ]);
  assert.deepEqual(await changes(on, wanted), []);
  await on.root("cmp /bin/true /data/kept");
  assert.match(await on.root("df --output=size -BG /data"), / 5G/);
});

test("after a power cut everything is as it was", async () => {
  await on.root("sync");
  await on.guest.kill();
  on = await shellOn(await restartGuest("volumes", "off"));
  const wanted = stepsOf({
    moreDisks: [{ disk: secondDisk }],
    logical: [{ ...svc, size: "2GiB" }, { ...data, size: "5GiB" }, rest],
  });
  assert.deepEqual(await drifts(on, wanted), []);
});

import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { ExistingMountSpec } from "../../modules/core/site/site-spec.ts";
import { parseHostInventory } from "../../modules/environments/inventory.ts";
import { restartGuest } from "../lab/guest.ts";
import { vm } from "../lab/machine-choice.ts";
import { shellOn, startFunctions, type ShellFunctions } from "../support/guests/shell-functions.ts";
import { undoAfter } from "../support/process/undo.ts";
import { changes, drifts, secondDisk, stepsOf } from "../support/guests/volumes-under-test.ts";

/**
 * What is mounted after a boot: existing file systems in /etc/fstab, named in each way that fstab allows; the journal on its volume, and
 * where it is stored without the volume. One machine, since each boot of it takes minutes.
 */
let on: ShellFunctions;
const thirdDisk = "/dev/disk/by-id/virtio-lab-third";
const undo = undoAfter();
before(async () => {
  on = await startFunctions("volumes-boot", vm("boot"), {
    extraDisks: [
      { serial: "lab-more", sizeGiB: 2 },
      { serial: "lab-third", sizeGiB: 1 },
    ],
  });
  undo(() => on.end());
  await on.root(
    [
      `mkfs.ext4 -q ${secondDisk} && mkfs.xfs -q -L more ${thirdDisk} && udevadm trigger --settle --action=change`,
      "mkdir -p /data /more",
      `echo "UUID=$(blkid -p -s UUID -o value ${secondDisk}) /data ext4 defaults,nofail,x-systemd.device-timeout=10min 0 2" >>/etc/fstab`,
      "echo 'LABEL=more /more xfs noauto,x-systemd.automount 0 0' >>/etc/fstab",
      "systemctl daemon-reload && systemctl start data.mount more.automount",
    ].join(" && "),
  );
});

const data: ExistingMountSpec = { mount: "/data", filesystem: "ext4", minFree: "1GiB" };
const more: ExistingMountSpec = { mount: "/more", filesystem: "xfs" };
const steps = stepsOf({ logicalVolumes: [], existing: [data, more] });
const withJournal = stepsOf({
  logicalVolumes: [{ name: "logs", size: "1GiB", filesystem: "ext4", mount: "/logs" }],
  journal: { mount: "/logs", maxUse: "16MiB" },
});

test("a disk by its UUID, and one behind an automount that was not used yet", async () => {
  assert.deepEqual(await drifts(on, steps), []);
  const { output } = await on.call("value_inventory");
  assert.deepEqual(
    parseHostInventory(output).mounts.map(({ path, filesystem }) => `${path} ${filesystem}`),
    ["/data ext4", "/more xfs"],
  );
});

test("another disk than the one that is mounted at boot", async () => {
  await on.root(`systemctl stop more.automount && umount /data && mount ${thirdDisk} /data`);
  const [filesystem, boot] = await drifts(on, stepsOf({ logicalVolumes: [], existing: [data] }));
  assert.match(
    filesystem ?? "",
    /^volumes\.filesystem\.\/data: refused E_FILESYSTEM \/data is xfs; fix: mount/,
  );
  assert.match(
    boot ?? "",
    /^volumes\.boot\.\/data: refused E_MOUNT_BOOT data\.mount mounts \/dev\/disk\/by-uuid\/\S+ at boot, but \/dev\/\w+ is mounted at \/data now; fix: add/,
  );
  await on.root("umount /data && systemctl start data.mount more.automount");
  assert.deepEqual(await drifts(on, steps), []);
});

test("project quotas are found if the xfs was mounted with them", async () => {
  const check = (): ReturnType<ShellFunctions["call"]> =>
    on.call("check_existing_options", "/more", "rw,exec,prjquota");
  assert.equal((await check()).output, "/more has no project quotas (mount option pquota)");
  await on.root("umount /more && mount -o pquota LABEL=more /more");
  assert.deepEqual(await check(), { exitCode: 0, output: "" });
});

test("the journal moves to a volume of its own", async () => {
  assert.equal((await changes(on, withJournal)).at(-1), "volumes.journal: changed");
  assert.deepEqual(await drifts(on, withJournal), []);
});

/** A power cut, and the boot after it. */
async function cut(): Promise<void> {
  await on.root("sync");
  await on.guest.kill();
  on = await shellOn(await restartGuest("volumes-boot", "off"));
}

test("after a power cut the existing file systems are mounted again", async () => {
  await on.root("logger --tag last 'before the cut' && journalctl --sync");
  await cut();
  // With nofail the boot does not wait for it.
  await on.root(
    "timeout 900 sh -c 'until mountpoint -q /data || systemctl is-failed -q data.mount; do sleep 0.5; done'",
  );
  assert.deepEqual(await drifts(on, steps), []);
});

test("the journal of the boot after the power cut is on the volume, too", async () => {
  assert.deepEqual(await drifts(on, withJournal), []);
  assert.match(await on.root("journalctl -D /logs/journal -b -1 -t last -o cat"), /before the cut/);
  assert.match(await on.root("journalctl -D /logs/journal -b -o cat -k | head -n 1"), /Linux version/);
});

test("a boot without the volume keeps the journal in memory and does not touch the root disk", async () => {
  await on.root("cd /etc/systemd/system && rm logs.mount && ln -s /dev/null logs.mount");
  await cut();
  await on.root("logger --tag lost 'no volume' && journalctl --sync");
  assert.equal(await on.root("ls -A /var/log/journal"), "");
  assert.match(await on.root("journalctl -D /run/log/journal -t lost -o cat"), /no volume/);
});

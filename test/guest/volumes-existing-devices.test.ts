import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ExistingMountSpec } from "../../modules/core/site-spec.ts";
import { parseInventory } from "../../modules/inventory.ts";
import { restartGuest } from "../lab/guest.ts";
import { vm } from "../lab/machine-choice.ts";
import { shellOn, startFunctions, type ShellFunctions } from "../support/shell-functions.ts";
import { drifts, firstDisk, secondDisk, stepsOf } from "../support/volumes-under-test.ts";

/** File systems that a person has made on disks and written into /etc/fstab, as /etc/fstab names them. */
let on: ShellFunctions;
before(async () => {
  on = await startFunctions("volumes-devices", vm("boot"), {
    extraDisks: [{ serial: "lab-more", sizeGiB: 1 }],
  });
  await on.root(
    [
      `mkfs.ext4 -q ${firstDisk} && mkfs.xfs -q -L more ${secondDisk} && udevadm trigger --settle --action=change`,
      "mkdir -p /data /logs",
      `echo "UUID=$(blkid -p -s UUID -o value ${firstDisk}) /data ext4 defaults,nofail,x-systemd.device-timeout=10min 0 2" >>/etc/fstab`,
      "echo 'LABEL=more /logs xfs noauto,x-systemd.automount 0 0' >>/etc/fstab",
      "systemctl daemon-reload && systemctl start data.mount logs.automount",
    ].join(" && "),
  );
});
after(() => on.end());

const data: ExistingMountSpec = { mount: "/data", filesystem: "ext4", minFree: "1GiB" };
const logs: ExistingMountSpec = { mount: "/logs", filesystem: "xfs" };
const steps = stepsOf({ logical: [], existing: [data, logs] });

test("a disk by its UUID, and one behind an automount that nobody has used yet", async () => {
  assert.deepEqual(await drifts(on, steps), []);
  const { output } = await on.call("value_inventory");
  assert.deepEqual(
    parseInventory(output).mounts.map(({ path, filesystem }) => `${path} ${filesystem}`),
    ["/data ext4", "/logs xfs"],
  );
});

test("another disk than the one that comes back", async () => {
  await on.root(`systemctl stop logs.automount && umount /data && mount ${secondDisk} /data`);
  const [filesystem, boot] = await drifts(on, stepsOf({ logical: [], existing: [data] }));
  assert.match(filesystem ?? "", /^volumes\.filesystem\.\/data: refused E_FILESYSTEM \/data is xfs; have/);
  assert.match(
    boot ?? "",
    /^volumes\.boot\.\/data: refused E_MOUNT_BOOT data\.mount mounts \/dev\/disk\/by-uuid\/\S+ at boot, and \/dev\/\w+ is mounted at \/data now; put/,
  );
  await on.root("umount /data && systemctl start data.mount logs.automount");
  assert.deepEqual(await drifts(on, steps), []);
});

test("project quotas are there when the xfs was mounted with them", async () => {
  const check = (): ReturnType<ShellFunctions["call"]> =>
    on.call("check_existing_options", "/logs", "rw,exec,prjquota");
  assert.equal((await check()).output, "/logs has no project quotas (mount option pquota)");
  await on.root("umount /logs && mount -o pquota LABEL=more /logs");
  assert.deepEqual(await check(), { exitCode: 0, output: "" });
});

test("after a power cut both are back", async () => {
  await on.root("sync");
  await on.guest.kill();
  on = await shellOn(await restartGuest("volumes-devices", "off"));
  // With nofail the boot does not wait for it.
  await on.root(
    "timeout 900 sh -c 'until mountpoint -q /data || systemctl is-failed -q data.mount; do sleep 0.5; done'",
  );
  assert.deepEqual(await drifts(on, steps), []);
});

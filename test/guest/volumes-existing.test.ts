import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { ExistingMountSpec, VolumesSpec } from "../../modules/core/site/site-spec.ts";
import { parseHostInventory } from "../../modules/environments/inventory.ts";
import { restartGuest } from "../lab/guest.ts";
import { container } from "../lab/machine-choice.ts";
import { shellOn, startFunctions, type ShellFunctions } from "../support/guests/shell-functions.ts";
import { undoAfter } from "../support/process/undo.ts";
import { changes, drifts, stepsOf } from "../support/guests/volumes-under-test.ts";

/** Mounts that existed before Sealift: checked, broken manually, and never changed by an apply. */
let on: ShellFunctions;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("volumes-existing", container("/data", "/logs"));
  undo(() => on.end());
  await on.root("mkdir -p /data/one /data/two /there");
});

const laidOut: Pick<VolumesSpec, "logicalVolumes" | "existing" | "journal"> = {
  logicalVolumes: [],
  existing: [
    { mount: "/data", filesystem: "xfs", minFree: "1GiB" },
    { mount: "/logs", filesystem: "xfs" },
  ],
  journal: { mount: "/logs", maxUse: "100MiB" },
};

const untouched = (): Promise<string> =>
  on.root("stat -c '%n %u:%g %a %m %i' /data /logs; grep -E ' /(data|logs) ' /proc/self/mountinfo");

test("existing storage passes at once, the journal moves onto it, and the mounts stay as they are", async () => {
  const before = await untouched();
  assert.deepEqual(await drifts(on, stepsOf(laidOut)), [
    "volumes.journal: drift /etc/systemd/journald.conf.d/sealift.conf is absent",
  ]);
  assert.deepEqual(await changes(on, stepsOf(laidOut)), ["volumes.journal: changed"]);
  assert.deepEqual(await drifts(on, stepsOf(laidOut)), []);
  assert.equal(await untouched(), before);
  await on.root(
    "logger --id here && journalctl --sync && test -n \"$(find /logs/journal -name '*.journal')\"",
  );
});

test("init lists mounts that return at boot, and no others", async () => {
  const { output } = await on.call("value_inventory");
  const { mounts } = parseHostInventory(output);
  assert.deepEqual(mounts.map(({ path, filesystem }) => `${path} ${filesystem}`).toSorted(), [
    "/data xfs",
    "/logs xfs",
  ]);
  for (const { bytes, availableBytes } of mounts)
    assert.ok(bytes > availableBytes && availableBytes > 2 ** 30);
});

const state =
  "grep -E ' /(data|logs|there|by-hand)' /proc/self/mountinfo; cat /etc/fstab; ls -lRn --full-time /data /there; systemctl list-unit-files --type=mount";

/** The one fact of a mount that does not hold: reported by a probe, refused by an apply, and nothing is changed. */
async function refused(existing: ExistingMountSpec, words: RegExp): Promise<void> {
  const steps = stepsOf({ logicalVolumes: [], existing: [existing] });
  const before = await on.root(state);
  const [refusal, ...others] = (await drifts(on, steps)).filter((line) => line.includes(" refused "));
  assert.match(refusal ?? "nothing is refused", words);
  assert.deepEqual(others, []);
  assert.match(
    (await changes(on, steps)).join("\n"),
    new RegExp(`E_STEP_FAILED .*${words.source.replace(/^\^.* refused /, "found: ")}`),
  );
  assert.equal(await on.root(state), before);
}

test("nothing is mounted", async () => {
  await refused(
    { mount: "/there" },
    /^volumes\.existing\.\/there: refused E_MOUNT_ABSENT nothing is mounted at \/there; fix: mount it/,
  );
  await refused(
    { mount: "/data/one" },
    /^volumes\.existing\.\/data\/one: refused E_MOUNT_ABSENT nothing is mounted at \/data\/one; fix: mount it/,
  );
});

test("another file system, and one in memory", async () => {
  await refused(
    { mount: "/data", filesystem: "ext4" },
    /^volumes\.filesystem\.\/data: refused E_FILESYSTEM \/data is xfs; fix: mount/,
  );
  await on.root(
    "echo 'tmpfs /there tmpfs size=1m 0 0' >/etc/fstab.more && cat /etc/fstab.more >>/etc/fstab && systemctl daemon-reload && mount /there",
  );
  await refused(
    { mount: "/there" },
    /^volumes\.filesystem\.\/there: refused E_FILESYSTEM \/there is tmpfs, which loses its files at a reboot; fix: mount/,
  );
  await on.root(
    "umount /there && sed -i '/ .there tmpfs /d' /etc/fstab && rm /etc/fstab.more && systemctl daemon-reload",
  );
});

test("too little free space", () =>
  refused(
    { mount: "/data", minFree: "1TiB" },
    /^volumes\.space\.\/data: refused E_MOUNT_SPACE \d+ MiB are available at \/data; fix: free/,
  ));

test("a top directory that others can write to is reported, and stays as it is", async () => {
  await on.root("stat -c %a /data >/run/mode && chmod 0777 /data");
  assert.deepEqual(
    (await drifts(on, stepsOf(laidOut))).map((line) => line.split("; ")[0]),
    ["volumes.options./data: warn E_MOUNT_POINT the top directory of /data is writable by others (mode 777)"],
  );
  await on.root("chmod $(cat /run/mode) /data");
  assert.deepEqual(await drifts(on, stepsOf(laidOut)), []);
});

test("read-only, and noexec where the engine runs programs", async () => {
  await on.root("mount -o remount,bind,ro /data");
  await refused(
    { mount: "/data" },
    /^volumes\.options\.\/data: refused E_MOUNT_OPTIONS \/data is read-only; fix: mount/,
  );
  await on.root("mount -o remount,bind,rw,noexec /data");
  await refused(
    { mount: "/data" },
    /^volumes\.options\.\/data: refused E_MOUNT_OPTIONS \/data is mounted noexec, but programs run from there; fix: mount/,
  );
  await on.root("mount -o remount,bind,rw,exec /data");
  assert.deepEqual(await drifts(on, stepsOf(laidOut)), []);
});

const boot = (words: string): RegExp =>
  new RegExp(`^volumes\\.boot\\./there: refused E_MOUNT_BOOT ${words}; fix: add`);

test("mounted manually, then also in fstab: not reloaded, with noauto, and correct", async () => {
  await on.root("mount --bind /data/one /there");
  await refused({ mount: "/there" }, boot("neither /etc/fstab nor a mount unit mounts /there at boot"));
  await on.root("echo '/data/one /there none bind,noauto 0 0' >>/etc/fstab && systemctl daemon-reload");
  await refused(
    { mount: "/there" },
    boot("no target starts there.mount at boot \\(noauto, or not enabled\\)"),
  );
  await on.root("sed -i 's/,noauto//' /etc/fstab");
  await refused({ mount: "/there" }, boot("/etc/fstab was changed, but systemd has not reloaded it"));
  await on.root("systemctl daemon-reload");
  assert.deepEqual(await drifts(on, stepsOf({ logicalVolumes: [], existing: [{ mount: "/there" }] })), []);
});

test("another file system is mounted than the one mounted at boot", async () => {
  await on.root("umount /there && mount --bind /data/two /there");
  await refused(
    { mount: "/there" },
    boot("there.mount mounts /data/one at boot, but \\S+ is mounted at /there now"),
  );
  await on.root("umount /there && sed -i '/ .there none /d' /etc/fstab && systemctl daemon-reload");
});

const unit = "/etc/systemd/system/there.mount";
const writeUnit = `printf '%s\\n' '[Mount]' What=/data/one Where=/there Type=none Options=bind '[Install]' WantedBy=local-fs.target >${unit} && systemctl daemon-reload && systemctl start there.mount`;

test("a unit that is not enabled, enabled, and masked", async () => {
  await on.root(writeUnit);
  await refused(
    { mount: "/there" },
    boot("no target starts there.mount at boot \\(noauto, or not enabled\\)"),
  );
  await on.root("systemctl enable there.mount");
  assert.deepEqual(await drifts(on, stepsOf({ logicalVolumes: [], existing: [{ mount: "/there" }] })), []);
  await on.root("systemctl disable --no-reload there.mount");
  await refused(
    { mount: "/there" },
    boot("no target starts there.mount at boot \\(noauto, or not enabled\\)"),
  );
  await on.root(`rm -f ${unit} && systemctl mask there.mount && systemctl daemon-reload`);
  await refused({ mount: "/there" }, boot("there.mount is masked"));
  await on.root("systemctl unmask there.mount && umount /there && systemctl daemon-reload");
});

test("a unit that is gone after a boot", async () => {
  await on.root("systemd-mount --fsck=no --options=bind --type=none /data/one /there");
  await refused(
    { mount: "/there" },
    boot("/run/systemd/transient/there.mount mounts /there, but that file does not survive a reboot"),
  );
  await on.root("umount /there");
});

test("after a boot everything passes, and what was predicted to be gone is gone", async () => {
  await on.root(
    `${writeUnit} && systemctl enable there.mount && mkdir -p /by-hand && mount --bind /data/two /by-hand && sync`,
  );
  await on.guest.kill();
  on = await shellOn(await restartGuest("volumes-existing", "off"));
  const again = { ...laidOut, existing: [...(laidOut.existing ?? []), { mount: "/there" }] };
  assert.deepEqual(await drifts(on, stepsOf(again)), []);
  await refused(
    { mount: "/by-hand" },
    /^volumes\.existing\.\/by-hand: refused E_MOUNT_ABSENT nothing is mounted at \/by-hand; fix: mount it/,
  );
});

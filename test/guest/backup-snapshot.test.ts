/** Backups from a snapshot of a logical volume, without an engine: one instant, too small a snapshot, and ends in the middle. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { AppSpec, VolumesSpec } from "../../modules/core/site/site-spec.ts";
import { restartGuest } from "../lab/guest.ts";
import { vm } from "../lab/machine-choice.ts";
import { type BackupInGuest, startBackups } from "../support/guests/backup-in-guest.ts";
import { type ShellFunctions, shellOn, startFunctions } from "../support/guests/shell-functions.ts";
import { changes, firstDisk, stepsOf } from "../support/guests/volumes-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

const volumes: VolumesSpec = {
  group: "vg0",
  disks: [{ id: firstDisk }],
  logicalVolumes: [{ name: "data", size: "1GiB", mount: "/data" }],
};
const app: AppSpec = {
  ...{ name: "journal", version: "1.0.0", keep: 2, data: { writer: { path: "/data/writer" } } },
  backup: { at: "02:30", stop: false, snapshot: "data", dump: {} },
  update: { order: "stop-first", monitor: 30, failure_action: "rollback", timeout: 300 },
};
const unit = "sealift-backup-journal";
const conf = "/etc/sealift/backup/apps/journal.conf";
let on: ShellFunctions;
let world: BackupInGuest;
const undo = undoAfter();
before(async () => {
  on = await startFunctions("backup-snapshot", vm("lvm"));
  undo(() => on.end());
  await on.root("mkdir -p /var/lib/sealift");
  assert.equal((await changes(on, stepsOf(volumes))).at(-1), "volumes.data.mount: changed");
  // What is left of the group: no more than a snapshot that can be filled.
  await on.root(
    "lvcreate --quiet --yes --name rest --extents $(($(vgs --noheadings -o vg_free_count vg0) - 32)) vg0",
  );
  await on.root("install -d /data/writer && touch /data/writer/a /data/writer/b /data/writer/log");
  await writes();
  world = await startBackups(on);
});
const root = (command: string): Promise<string> => on.root(command);

/**
 * First a, then b, then the log: of one instant, b is a or one less, and the log ends with b or one less. It waits by a word of the shell:
 * under emulation, 40 programs a second would take a third of the processor.
 */
async function writes(): Promise<void> {
  const loop =
    "exec 9<> <(:); n=$(wc -l <log); while :; do n=$((n + 1)); echo $n >a; echo $n >b; echo $n >>log; read -r -t 0.02 -u 9; done";
  await root(
    `systemd-run --quiet --collect --unit writer --working-directory /data/writer bash -c '${loop.replaceAll("$", "$$")}'`,
  );
}

async function nothingLeft(): Promise<void> {
  assert.equal((await root("lvs --noheadings -o lv_name vg0 | sort | xargs")).trim(), "data rest");
  assert.equal(await root("grep /run/sealift/backup /proc/[0-9]*/mountinfo || true"), "");
  assert.equal(
    await root("ls /var/lib/sealift/backup/journal | grep -v -e ^last$ -e ^failed$ -e ^folders$ || true"),
    "",
  );
  assert.match(await root("findmnt -no SOURCE /data"), /^\/dev\/mapper\/vg0-data$/m);
  // The volume is written as before.
  const lines = await root("wc -l </data/writer/log");
  await root(
    `for i in $(seq 100); do [ $(wc -l </data/writer/log) -gt ${lines.trim()} ] && exit; sleep 0.2; done; exit 1`,
  );
}

/** restic that first does something else, and stays until it is ended. */
async function wrapped(first: string): Promise<void> {
  const real = (await root(`sed -n s/^program=//p ${conf}`)).trim();
  await root("rm -f /srv/*");
  const input = `#!/bin/sh
case "$*" in *--json*) ${first} ;; esac
exec ${real} "$@"
`;
  await on.guest.exec("sudo -n tee /srv/restic >/dev/null && sudo -n chmod 0755 /srv/restic", { input });
  await root(`sed -i 's|^program=.*|program=/srv/restic|' ${conf}`);
}
const unwrapped = async (): Promise<void> => {
  const job = world.steps(app, volumes).filter(({ code }) => code === "backup.journal.job");
  const { revision, text } = await on.run("apply", job);
  assert.ok(revision, text);
};

test("files of one instant are sent, read-only, while the writer goes on; then the snapshot is gone", async () => {
  const steps = world.steps(app, volumes);
  const found = await on.run("check", steps);
  assert.deepEqual(
    found.steps.filter(({ effect = "none" }) => effect !== "none"),
    [],
  );
  const made = await on.run(
    "apply",
    steps.filter(({ code }) => !code.endsWith(".recent")),
  );
  assert.ok(made.revision, made.text);
  await wrapped(
    "findmnt -no OPTIONS /run/sealift/backup/journal/snapshot >/srv/options; readlink -f /dev/disk/by-uuid/$(findmnt -no UUID /data) >/srv/link; readlink -f /dev/vg0/data >>/srv/link; touch data/writer/x 2>/srv/refused",
  );
  assert.equal(await world.backUp("journal"), "success");
  await unwrapped();
  assert.match(await root("cat /srv/options"), /^ro,.*nouuid/);
  assert.match(await root("cat /srv/refused"), /Read-only file system/);
  // Otherwise the next boot could mount the snapshot in place of the volume.
  assert.equal(new Set((await root("cat /srv/link")).trim().split("\n")).size, 1);
  await nothingLeft();
  const [a = 0, b = 0, log = 0] = await Promise.all(
    ["a", "b", "log"].map(async (file) =>
      Number((await world.restic(`dump latest data/writer/${file}`)).trim().split("\n").at(-1)),
    ),
  );
  // A file that the shell has just emptied holds nothing.
  assert.ok(a === 0 || b === 0 || a - b === 0 || a - b === 1, `${a} ${b}`);
  assert.ok(b === 0 || b - log === 0 || b - log === 1, `${b} ${log}`);
  const again = await on.run("check", steps);
  assert.deepEqual(
    again.steps.filter(({ status }) => status !== "ok"),
    [],
  );
});

test("a snapshot that is too small for what changes: the backup does not count, and the volume is untouched", async () => {
  const counted = await world.counted();
  await wrapped(
    "dd if=/dev/urandom of=/data/new bs=1M count=300 conv=fsync 2>/dev/null; sha256sum /data/new >/srv/sum",
  );
  assert.match(
    await world.backUp("journal"),
    / 1[01] .*(the snapshot of vg0\/data was too small|files could not be read)/,
  );
  await unwrapped();
  assert.deepEqual(await world.counted(), counted);
  await root("sha256sum --check --quiet /srv/sum && rm /data/new");
  await nothingLeft();
  assert.equal(await world.backUp("journal"), "success");
  assert.equal((await world.counted()).length, counted.length + 1);
});

test("kill -9 while it sends: the unit removes the snapshot", async () => {
  const counted = await world.counted();
  await wrapped("touch /srv/reached; sleep 600");
  await root(`systemctl start --no-block ${unit}`);
  await until("test -e /srv/reached");
  await root(`systemctl kill --signal KILL ${unit}`);
  await until(
    `! lvs vg0/${unit} 2>/dev/null && test $(systemctl show --value -p ActiveState ${unit}) = failed`,
  );
  await unwrapped();
  await nothingLeft();
  assert.deepEqual(await world.counted(), counted);
});

test("a power cut while it sends: the volume is mounted at boot, not its snapshot, which is removed", async () => {
  await wrapped("touch /srv/reached; sync; sleep 600");
  await root(`systemctl start --no-block ${unit}`);
  await until("test -e /srv/reached");
  await on.guest.kill();
  on = await shellOn(await restartGuest("backup-snapshot", "off"));
  await until(
    "test $(systemctl show --value -p ActiveState sealift-clean-backups) = inactive && systemctl is-active -q multi-user.target",
  );
  await writes();
  assert.equal((await root("cat /var/lib/sealift/backup/journal/begun")).trim().length, 16);
  await root("rm /var/lib/sealift/backup/journal/begun");
  await nothingLeft();
});

test("a volume group without free extents is reported, and nothing is made", async () => {
  await root("lvextend --quiet --extents +100%FREE vg0/rest");
  await root("install -d /run/sealift/secrets/_backup; echo x >/run/sealift/secrets/_backup/restic.0a1b2c3d");
  // The store was in memory: only the snapshot is tried.
  await root(
    "sed -i '/^  backup_open_repository$/d; /^  backup_wait_for_room$/d' /opt/sealift/backup/backup",
  );
  const { exitCode, stderr } = await on.guest.exec("sudo -n sh /opt/sealift/backup/backup journal");
  assert.equal(exitCode, 9, stderr);
  assert.match(stderr, /volume group vg0 has no free extents for a snapshot of vg0\/data; fix: free some/);
  await nothingLeft();
});

/** The guest waits by itself: under emulation, a login for each look costs more than what it looks at. */
async function until(command: string): Promise<void> {
  await root(
    `for i in $(seq 600); do if ${command}; then exit 0; fi; sleep 0.5; done; journalctl -n 30 -u ${unit} >&2; exit 1`,
  );
}

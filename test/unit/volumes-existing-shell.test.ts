import assert from "node:assert/strict";
import { test } from "node:test";
import { callWhere as call, type Mounted } from "../support/fixtures/mounted.ts";

const noFile = "neither /etc/fstab nor a mount unit mounts /proc at boot";
const noTarget = "no target starts proc.mount at boot (noauto, or not enabled)";
const cases: readonly [what: string, words: string, mounted: Mounted, output: string][] = [
  ["a mount of its own", "check_existing_mount /proc", { type: "ext4" }, ""],
  ["no mount", "check_existing_mount /proc", {}, "nothing mounted at /proc"],
  ["the file system asked for", "check_existing_file_system /proc ext4", { type: "ext4" }, ""],
  ["another file system", "check_existing_file_system /proc xfs", { type: "ext4" }, "/proc is ext4"],
  ["any file system", "check_existing_file_system /proc any", { type: "btrfs" }, ""],
  [
    "a file system in memory",
    "check_existing_file_system /proc any",
    { type: "tmpfs" },
    "/proc is tmpfs, which loses its files at a reboot",
  ],
  [
    "an xfs with checksums",
    "check_existing_file_system /proc xfs",
    { type: "xfs", birth: 1_795_926_536 },
    "",
  ],
  [
    "an older xfs with ftype",
    "check_existing_file_system /proc xfs",
    { type: "xfs", xfsInfo: "naming =version 2 ftype=1" },
    "",
  ],
  [
    "an xfs without ftype",
    "check_existing_file_system /proc any",
    { type: "xfs", xfsInfo: "naming =version 2 ftype=0" },
    "/proc is xfs with ftype=0",
  ],
  [
    "an xfs that nothing tells of",
    "check_existing_file_system /proc any",
    { type: "xfs", xfsInfo: "xfs_info: not found" },
    "/proc is xfs, but xfs_info (package xfsprogs) does not report its ftype",
  ],
  ["a mount to write to", "check_existing_options /proc rw", { type: "xfs", options: "rw,noexec" }, ""],
  [
    "a read-only mount",
    "check_existing_options /proc rw",
    { type: "xfs", options: "ro" },
    "/proc is read-only",
  ],
  [
    "a file system after an error",
    "check_existing_options /proc rw",
    { type: "ext4", super: "ro,errors=remount-ro" },
    "/proc is read-only",
  ],
  ["programs", "check_existing_options /proc rw,exec", { type: "xfs" }, ""],
  [
    "programs that cannot be run",
    "check_existing_options /proc rw,exec",
    { type: "xfs", options: "rw,noexec" },
    "/proc is mounted noexec, but programs run from there",
  ],
  [
    "quotas",
    "check_existing_options /proc rw,exec,prjquota",
    { type: "xfs", super: "rw,attr2,prjquota" },
    "",
  ],
  [
    "no quotas",
    "check_existing_options /proc rw,exec,prjquota",
    { type: "xfs", super: "rw,noquota" },
    "/proc has no project quotas (mount option pquota)",
  ],
  ["an entry of fstab", "check_existing_boot /proc", { type: "ext4" }, ""],
  [
    "an enabled unit",
    "check_existing_boot /proc",
    {
      type: "ext4",
      shown: {
        FragmentPath: "/etc/systemd/system/proc.mount",
        RequiredBy: "",
        WantedBy: "multi-user.target",
      },
    },
    "",
  ],
  ["mounted by hand", "check_existing_boot /proc", { type: "ext4", shown: { FragmentPath: "" } }, noFile],
  [
    "a transient unit",
    "check_existing_boot /proc",
    { type: "ext4", shown: { FragmentPath: "/run/systemd/transient/proc.mount" } },
    "/run/systemd/transient/proc.mount mounts /proc, but that file does not survive a reboot",
  ],
  [
    "a masked unit",
    "check_existing_boot /proc",
    { type: "ext4", shown: { LoadState: "masked", FragmentPath: "/etc/systemd/system/proc.mount" } },
    "proc.mount is masked",
  ],
  [
    "a unit that was disabled without a reload",
    "check_existing_boot /proc",
    {
      type: "ext4",
      shown: {
        FragmentPath: "/etc/systemd/system/proc.mount",
        SourcePath: "",
        NeedDaemonReload: "yes",
        WantedBy: "local-fs.target",
      },
      enabled: "disabled",
    },
    noTarget,
  ],
  [
    "another unit that was enabled without a reload",
    "check_existing_boot /proc",
    { type: "ext4", shown: { SourcePath: "/proc/absent", NeedDaemonReload: "yes" } },
    "",
  ],
  [
    "noauto, which only the engine would pull in",
    "check_existing_boot /proc",
    { type: "ext4", shown: { RequiredBy: "docker.service containerd.service" } },
    noTarget,
  ],
  [
    "an automount that a target starts",
    "check_existing_boot /proc",
    {
      type: "ext4",
      shown: { RequiredBy: "", TriggeredBy: "proc.automount" },
      trigger: { WantedBy: "", RequiredBy: "local-fs.target" },
    },
    "",
  ],
  [
    "an automount that nothing starts",
    "check_existing_boot /proc",
    {
      type: "ext4",
      shown: { RequiredBy: "", TriggeredBy: "proc.automount" },
      trigger: { WantedBy: "", RequiredBy: "" },
    },
    noTarget,
  ],
  [
    "a unit that mounts something else",
    "check_existing_boot /proc",
    { type: "ext4", what: "/sys" },
    "proc.mount mounts /sys at boot, but /dev/sdx1 is mounted at /proc now",
  ],
  ["free space", "check_existing_space / 1", { type: "ext4" }, ""],
];
for (const [what, words, mounted, output] of cases) {
  test(`an existing mount: ${what}`, () => {
    assert.deepEqual(call(words, mounted), { status: output === "" ? 0 : 1, output });
  });
}

test("too little free space is reported in MiB", () => {
  const { status, output } = call("check_existing_space / 99999999999", { type: "ext4" });
  assert.match(output, /^\d+ MiB are available at \/$/);
  assert.equal(status, 1);
});

/** Guard and apply report the same, so that a run refuses what a probe refused. */
const refused: readonly [words: string, mounted: Mounted, output: RegExp][] = [
  ["existing_mount /proc", {}, /^E_MOUNT_ABSENT nothing is mounted at \/proc; fix: mount it, or/],
  ["existing_file_system /proc xfs", { type: "ext4" }, /^E_FILESYSTEM \/proc is ext4; fix: mount another/],
  [
    "existing_options /proc rw",
    { type: "xfs", options: "ro" },
    /^E_MOUNT_OPTIONS \/proc is read-only; fix: mount/,
  ],
  [
    "existing_boot /proc",
    { type: "ext4", shown: { FragmentPath: "" } },
    /^E_MOUNT_BOOT neither .* at boot; fix: add/,
  ],
  ["existing_space / 99999999999", { type: "ext4" }, /^E_MOUNT_SPACE \d+ MiB are available at \/; fix: free/],
];
for (const [words, mounted, output] of refused)
  for (const kind of ["guard", "apply"])
    test(`${kind}_${words} refuses`, () => {
      const reported = call(`${kind}_${words}`, mounted);
      assert.equal(reported.status, 1);
      assert.match(reported.output, output);
    });

test("what cannot be checked without a mount is refused once, for the mount", () => {
  for (const words of ["file_system /proc xfs", "options /proc rw", "boot /proc", "space /proc 1"]) {
    assert.deepEqual(call(`check_existing_${words}`, {}), { status: 1, output: "nothing mounted at /proc" });
    assert.deepEqual(call(`guard_existing_${words}`, {}), { status: 0, output: "" });
  }
});

test("no journal on a mount that waits for the network", () => {
  const guard = (order: string): { readonly status: number; readonly output: string } =>
    call(`guard_journal_storage /proc 100 - -`, { type: "xfs", shown: { Before: order } });
  assert.equal(guard("local-fs.target umount.target").output, "");
  const { status, output } = guard("umount.target remote-fs.target");
  assert.equal(status, 1);
  assert.match(
    output,
    /^E_MOUNT_BOOT \/proc is mounted after the network is up, but the journal is needed earlier; fix: store/,
  );
});

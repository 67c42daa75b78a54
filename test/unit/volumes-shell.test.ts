import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { library } from "../support/fixtures/example-host.ts";

/** What the shell of volumes computes without a disk: sums, names, and differences. */
function sh(commands: string): string {
  return execFileSync("sh", { input: `${library.text}\nset -eu\n${commands}\n`, encoding: "utf8" });
}

const capacities: readonly [volumes: string, freeMiB: number, shortage: string][] = [
  ["a:7", 8188, ""],
  ["a:8", 8188, "the volumes need 8192 MiB more, but vg0 has 8188 MiB"],
  ["a:4,rest:50%,last:100%", 8188, ""],
  ["a:7,rest:90%", 8188, "90%FREE for vg0/rest is 918 MiB; minimum: 1024 MiB"],
  ["a:4,x:100%,y:10%", 8188, "10%FREE for vg0/y is 0 MiB; minimum: 1024 MiB"],
];
for (const [volumes, freeMiB, shortage] of capacities) {
  test(`${volumes} in ${freeMiB} MiB`, () => {
    const given = `group_name=vg0 group_rows= group_disks= group_free_mib=${freeMiB} group_volumes=${volumes}`;
    assert.equal(sh(`${given}; group_shortage`).trim(), shortage);
  });
}

test("device-mapper doubles hyphens in names", () => {
  assert.equal(
    sh(
      'lv_double ubuntu-vg; echo "$lv_doubled"; lv_double a--b-; echo "$lv_doubled"; lv_double vg0; echo "$lv_doubled"',
    ),
    "ubuntu--vg\na----b--\nvg0\n",
  );
});

test("a finding that is longer than a report line leaves space for the remedy", () => {
  const said = sh(`found=$(printf '%0900d' 0); refuse E_DISK_ABSENT "no disk: $found" "attach it" || true`);
  assert.match(said, /^E_DISK_ABSENT no disk: 0{300,}\.\.\.; fix: attach it\n$/);
  assert.ok(said.length <= 400);
  assert.equal(sh('refuse E_X short "do it" || true'), "E_X short; fix: do it\n");
});

test("a machine without serial numbers gets a remedy for the names of its disks", () => {
  const remedy = (vendor: string): string =>
    sh(
      `SEALIFT_ROOT=$(mktemp -d); mkdir -p "$SEALIFT_ROOT/sys/class/dmi/id"; echo '${vendor}' >"$SEALIFT_ROOT/sys/class/dmi/id/sys_vendor"; disk_absence /dev/disk/by-id/x; disk_absence_remedy; rm -r "$SEALIFT_ROOT"`,
    );
  assert.match(
    remedy("VMware, Inc."),
    /by-id has: nothing, by-path has: nothing\nset disk\.EnableUUID = TRUE .*, or use its name below \/dev\/disk\/by-path\/\n$/,
  );
  assert.match(remedy("QEMU"), /\nset a serial number for the disk in the hypervisor/);
});

test("two nodes with one world-wide number are paths of one disk; partitions, a series' number and the kernel's own nodes are not", () => {
  const folder = mkdtempSync(join(tmpdir(), "sealift-nodes-"));
  const numbers: Readonly<Record<string, string>> = {
    "sda/device/wwid": "naa.5000c50015ea71ac",
    "sdb/device/wwid": "naa.5000c50015ea71ac",
    "sdc/device/wwid": "naa.5000c50015ea71ad",
    "sdd/device/wwid": "t10.ATA     USB DISK                                0123456789",
    "sde/device/wwid": "t10.ATA     USB DISK                                0123456789",
    "sdf/device/wwid": "",
    "nvme0n1/wwid": "eui.0025385b71b0a1c2",
    "nvme0c0n1/wwid": "eui.0025385b71b0a1c2",
    "vda/size": "1",
  };
  mkdirSync(join(folder, "dev"));
  for (const [path, text] of Object.entries(numbers)) {
    const [node = ""] = path.split("/");
    const file = join(folder, "sys/class/block", path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text === "" ? "" : `${text}\n`);
    if (node !== "nvme0c0n1") writeFileSync(join(folder, "dev", node), "");
  }
  const nodes = (node: string): string =>
    sh(`SEALIFT_ROOT=${folder}; disk_nodes ${node}; echo "$disk_nodes"`).trim();
  assert.equal(nodes("sda"), "sda sdb");
  assert.equal(nodes("sdb"), "sda sdb");
  for (const one of ["sdc", "sdd", "sdf", "nvme0n1", "vda"]) assert.equal(nodes(one), one);
  const found = sh(
    `SEALIFT_ROOT=${folder}; disk_paths_finding ${folder}/dev/sda; disk_paths_finding ${folder}/dev/sdc`,
  );
  assert.equal(found, `${folder}/dev/sda has several paths without multipath: sda sdb\n`);
  rmSync(folder, { recursive: true });
});

test("a disk that LVM rejects is reported in LVM's words, before anything is written", () => {
  const said = (words: string, status: number): string =>
    sh(
      `group_missing=" /dev/sda"; pvs() { return 5; }; timeout() { printf '%s\\n' "  TEST MODE: Metadata will NOT be updated and volumes will not be (de)activated." '${words}'; return ${status}; }; group_lvm_finding`,
    );
  assert.equal(
    said("  Cannot use /dev/sda: device is a multipath component", 5),
    "LVM rejects /dev/sda: Cannot use /dev/sda: device is a multipath component\n",
  );
  assert.equal(said('  Physical volume "/dev/sda" successfully created.', 0), "");
});

test("a mount unit has the name that systemd gives it", () => {
  assert.equal(
    sh("unit_of_path /data; unit_of_path /srv/in-here.x_1"),
    "data.mount\nsrv-in\\x2dhere.x_1.mount\n",
  );
});

test("options that differ are named, in both directions", () => {
  const seen = "seen_options=,rw,nosuid,nodev,relatime,";
  assert.equal(sh(`${seen}; mount_options_finding nodev,nosuid,exec,relatime`), "");
  assert.equal(
    sh(`${seen}; mount_options_finding nodev,suid,noexec,noatime`),
    " with nosuid without noexec without noatime",
  );
});

test("a disk in the group that no volume uses is found in LVM's own backup of the group", () => {
  const folder = mkdtempSync(join(tmpdir(), "sealift-lvm-"));
  const disk = (name: string): string =>
    `\t\t${name} {\n\t\t\tid = "x-${name}"\n\t\t\tdevice = "/dev/${name}"\t# Hint only\n\t\t}\n\n`;
  const volume = '\tlogical_volumes {\n\n\t\tdata {\n\t\t\tid = "y"\n\t\t}\n\t}\n}\n';
  const head =
    '# Generated by LVM2\n\ncontents = "Text Format Volume Group"\n\nvg0 {\n\tid = "z"\n\tphysical_volumes {\n\n';
  writeFileSync(join(folder, "vg0"), `${head}${disk("sda")}${disk("sdb")}\t}\n\n${volume}`);
  const used = (group: string, ...disks: readonly string[]): string =>
    sh(
      `GROUP_BACKUP=${folder} group_name=${group} group_volumes=data:1; lv_inspect() { lv_node=none lv_mib=4096; }; group_names() { :; }; if group_in_use ${disks.join(" ")}; then echo yes; else echo ask; fi`,
    ).trim();
  assert.equal(used("vg0", "/dev/sda", "/dev/sdb"), "yes");
  assert.equal(used("vg0", "/dev/sda"), "ask");
  assert.equal(used("vg1", "/dev/sda"), "ask", "no copy");
  rmSync(folder, { recursive: true });
});

test("a top directory that others can write to is a warning, whatever else its mode has", () => {
  const folder = mkdtempSync(join(tmpdir(), "sealift-top-"));
  const reported = (mode: string): string => sh(`chmod ${mode} ${folder}; mount_open ${folder} || echo $?`);
  for (const mode of ["755", "775", "1770"]) assert.equal(reported(mode), "", mode);
  for (const mode of ["777", "1777", "702"])
    assert.equal(
      reported(mode),
      `E_MOUNT_POINT the top directory of ${folder} is writable by others (mode ${mode}); fix: run chmod o-w ${folder}, or set the mode of the volume in the site file\n90\n`,
    );
  rmSync(folder, { recursive: true });
});

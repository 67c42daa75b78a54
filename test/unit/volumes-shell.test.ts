import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { library } from "../support/example-host.ts";

/** What the shell of volumes works out without a disk: sums, names, and what differs. */
function sh(commands: string): string {
  return execFileSync("sh", { input: `${library.text}\nset -eu\n${commands}\n`, encoding: "utf8" });
}

const rooms: readonly [volumes: string, freeMiB: number, shortage: string][] = [
  ["a:7", 8188, ""],
  ["a:8", 8188, "the volumes ask for 8192 MiB more, and vg0 has 8188 MiB"],
  ["a:4,rest:50%,last:100%", 8188, ""],
  ["a:7,rest:90%", 8188, "90%FREE for vg0/rest is 918 MiB, and a volume has at least 1024 MiB"],
  ["a:4,x:100%,y:10%", 8188, "10%FREE for vg0/y is 0 MiB, and a volume has at least 1024 MiB"],
];
for (const [volumes, freeMiB, shortage] of rooms) {
  test(`${volumes} in ${freeMiB} MiB`, () => {
    const given = `group_name=vg0 group_rows= group_disks= group_free_mib=${freeMiB} group_volumes=${volumes}`;
    assert.equal(sh(`${given}; group_shortage`).trim(), shortage);
  });
}

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

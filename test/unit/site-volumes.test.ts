import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { changed, problemsOf, siteOf } from "../support/fixtures/site-text.ts";

const logs = "{ name: logs, size: 20GiB, filesystem: ext4, mount: /logs }";
const data = "{ name: data, size: 200GiB, filesystem: xfs, mount: /data }";
const with_ = (volume: string, more: string): string => volume.replace(" }", `, ${more} }`);
const group = "      group: vg0\n";
const disk = "          disks: [{ id: /dev/disk/by-id/scsi-36000c29f3c1f0c5e }]\n";

/** One mistake each: what is replaced, by what, and the code, place and message of the refusal. */
const mistakes: readonly [string, string, string, RegExp][] = [
  [
    "percentage without its word",
    "size: 20GiB",
    "size: 50%",
    /E_UNIT volumes\.logicalVolumes\[0\]\.size: found: "50%"; expected: a whole number and GiB or TiB, or 1 to 100 and %FREE; fix: write it like 20GiB$/,
  ],
  [
    "the name of another fact",
    "name: logs",
    "name: group",
    /E_VALUE (hosts\[0\]\.)?volumes\.logicalVolumes\[1\]\.name: found: "group"; expected: a name other than group, /,
  ],
  [
    "a name that LVM keeps for itself",
    "name: logs",
    "name: data_tmeta",
    /E_VALUE (hosts\[0\]\.)?volumes\.logicalVolumes\[1\]\.name: found: "data_tmeta"; expected: a name that LVM does not reserve/,
  ],
  [
    "percentage above 100",
    "200GiB",
    "101%FREE",
    /E_UNIT volumes\.logicalVolumes\[2\]\.size: found: "101%FREE"/,
  ],
  [
    "percentage before a size",
    logs,
    logs.replace("20GiB", "50%FREE"),
    /:\d+:\d+: E_VALUE volumes\.logicalVolumes\[1\]\.size: found: "50%FREE"; expected: a percentage after all volumes with a fixed size \(data: 200GiB\); fix: move it to the end of the list$/,
  ],
  [
    "all of what is free before another percentage",
    `${logs}\n        - ${data}`,
    `${logs.replace("20GiB", "100%FREE")}\n        - ${data.replace("200GiB", "50%FREE")}`,
    /E_VALUE volumes\.logicalVolumes\[1\]\.size: found: "100%FREE"; expected: less than 100%FREE, because another volume follows; fix: lower the percentage$/,
  ],
  [
    "unknown option",
    logs,
    with_(logs, "options: [nodev, ro]"),
    /E_VALUE volumes\.logicalVolumes\[1\]\.options\[1\]: found: "ro"; expected: one of nodev, nosuid, noexec, noatime/,
  ],
  [
    "noexec for the engine",
    data,
    with_(data, "options: [noexec]"),
    /E_VALUE hosts\[0\]\.volumes\.logicalVolumes\[2\]\.options: found: \["noexec"\]; expected: no noexec on the volume of data-root \(\/data\/docker\); fix: remove noexec: programs run from there$/,
  ],
  [
    "noexec for people",
    logs,
    with_(logs.replace("/logs", "/home"), "options: [nodev, noexec]"),
    /E_VALUE hosts\[1\]\.volumes\.logicalVolumes\[1\]\.options: .*the volume of the home of deploy \(\/home\/deploy\)/,
  ],
  [
    "mount below a later one",
    logs,
    logs.replace("/logs", "/data/logs"),
    /E_VALUE volumes\.logicalVolumes\[1\]\.mount: found: "\/data\/logs"; expected: \/data before the mounts below it; fix: move it after data$/,
  ],
  [
    "unknown owner",
    logs,
    with_(logs, "owner: nobody"),
    /E_VALUE hosts\[0\]\.volumes\.logicalVolumes\[1\]\.owner: found: "nobody"; expected: users of this site \(root, deploy\), or numbers; fix: write the numbers, such as "1500:1500"$/,
  ],
  [
    "mode as a number",
    logs,
    with_(logs, "mode: 0750"),
    /E_TYPE volumes\.logicalVolumes\[1\]\.mode: found: 750; expected: a string of four octal digits, .*; fix: write it like "0750", with the quotes$/,
  ],
  [
    "serial number with a blank",
    disk,
    disk.replace(" }]", ', serial: "A B" }]'),
    /E_VALUE hosts\[0\]\.volumes\.disks\[0\]\.serial: found: "A B"; expected: a serial number of .*; fix: run `lsblk/,
  ],
  [
    "a disk twice",
    disk,
    disk.replace("]", ", { id: /dev/disk/by-id/scsi-36000c29f3c1f0c5e }]"),
    /:\d+:\d+: E_DUPLICATE hosts\[0\]\.volumes\.disks\[1\]\.id: found: "\/dev\/disk\/by-id\/scsi-36000c29f3c1f0c5e"; expected: a unique id; hosts\[0\]\.volumes\.disks\[0\] has the same/,
  ],
  [
    "the second and the third disk the same",
    disk,
    disk.replace("]", ", { id: /dev/disk/by-id/a }, { id: /dev/disk/by-id/a }]"),
    /E_DUPLICATE hosts\[0\]\.volumes\.disks\[2\]\.id/,
  ],
  [
    "a second disk not by id",
    disk,
    disk.replace("]", ", { id: /dev/sdc }]"),
    /E_DISK_NAME hosts\[0\]\.volumes\.disks\[1\]\.id: found: "\/dev\/sdc"/,
  ],
  [
    "an empty list of disks",
    disk,
    "          disks: []\n",
    /E_VALUE hosts\[0\]\.volumes\.disks: found: \[\]; expected: at least one disk; fix: write it like /,
  ],
  [
    "a disk without an id",
    disk,
    "          disks: [{ serial: A }]\n",
    /E_KEY_MISSING hosts\[0\]\.volumes\.disks\[0\]\.id: /,
  ],
  [
    "journal beside the volumes",
    group,
    `${group}      journal: { mount: /var/log, maxUse: 500MiB }\n`,
    /E_VALUE hosts\[0\]\.volumes\.journal\.mount: found: "\/var\/log"; expected: a mount of the site \(\/svc, \/logs, \/data\); fix: choose one of these, or add a volume$/,
  ],
  [
    "journal larger than its volume",
    group,
    `${group}      journal: { mount: /logs, maxUse: 20GiB }\n`,
    /E_VALUE hosts\[0\]\.volumes\.journal\.maxUse: found: "20GiB"; expected: less than the size of volume logs \(20GiB\); fix: lower it, or enlarge the volume$/,
  ],
  [
    "journal without a limit",
    group,
    `${group}      journal: { mount: /logs }\n`,
    /E_KEY_MISSING volumes\.journal\.maxUse: .*add it, like maxUse: "500MiB"$/,
  ],
  [
    "journal in another unit",
    group,
    `${group}      journal: { mount: /logs, maxUse: 500M }\n`,
    /E_UNIT volumes\.journal\.maxUse: found: "500M"; expected: a whole number and MiB or GiB; fix: write it like 500MiB$/,
  ],
];

for (const [what, from, to, message] of mistakes) {
  test(`refused with code, place and remedy: ${what}`, () => {
    const messages = problemsOf(changed(from, to)).map(formatProblem);
    assert.ok(
      messages.some((line) => message.test(line)),
      messages.join("\n") || "it was accepted",
    );
  });
}

test("what the rules accept reaches the host", () => {
  const text = changed(
    `${logs}\n        - ${data}`,
    [
      with_(logs, 'options: [nodev, nosuid, noexec], owner: "deploy:0", mode: "2750"'),
      data.replace("200GiB", "50%FREE"),
      "{ name: below, size: 100%FREE, mount: /data/below, options: [noexec] }",
    ].join("\n        - "),
  ).replace(
    group,
    `${group}      journal: { mount: /logs, maxUse: 2GiB, keepFree: 1GiB, maxRetentionDays: 90 }\n`,
  );
  assert.deepEqual(problemsOf(text).map(formatProblem), []);
  const [host] = siteOf(text).hosts;
  assert.equal(host?.volumes.logicalVolumes[3]?.size, "100%FREE");
  assert.equal(host.volumes.journal?.maxRetentionDays, 90);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { changed, problemsOf, siteOf } from "../support/site-text.ts";

const logs = "{ name: logs, size: 20GiB, filesystem: ext4, mount: /logs }";
const data = "{ name: data, size: 200GiB, filesystem: xfs, mount: /data }";
const with_ = (volume: string, more: string): string => volume.replace(" }", `, ${more} }`);
const group = "      group: vg0\n";
const disk = "          disk: /dev/disk/by-id/scsi-36000c29f3c1f0c5e\n";

/** One slip each: what is replaced, by what, and the code, place and words that it has to be refused with. */
const slips: readonly [string, string, string, RegExp][] = [
  [
    "percentage without its word",
    "size: 20GiB",
    "size: 50%",
    /E_UNIT volumes\.logical\[0\]\.size: got "50%"; expected a whole number and GiB or TiB, or 1 to 100 and %FREE; write it like 20GiB$/,
  ],
  [
    "the name of another fact",
    "name: logs",
    "name: group",
    /E_VALUE (hosts\[0\]\.)?volumes\.logical\[1\]\.name: got "group"; expected none of group, /,
  ],
  [
    "a name that LVM keeps for itself",
    "name: logs",
    "name: data_tmeta",
    /E_VALUE (hosts\[0\]\.)?volumes\.logical\[1\]\.name: got "data_tmeta"; expected a name that LVM does not keep/,
  ],
  ["percentage above 100", "200GiB", "101%FREE", /E_UNIT volumes\.logical\[2\]\.size: got "101%FREE"/],
  [
    "percentage before a size",
    logs,
    logs.replace("20GiB", "50%FREE"),
    /:\d+:\d+: E_VALUE volumes\.logical\[1\]\.size: got "50%FREE"; expected a percentage behind all volumes that have a size \(data has 200GiB\); move it to the end of the list$/,
  ],
  [
    "all of what is free before another percentage",
    `${logs}\n        - ${data}`,
    `${logs.replace("20GiB", "100%FREE")}\n        - ${data.replace("200GiB", "50%FREE")}`,
    /E_VALUE volumes\.logical\[1\]\.size: got "100%FREE"; expected less than 100%FREE where another volume follows; leave something for the others$/,
  ],
  [
    "unknown option",
    logs,
    with_(logs, "options: [nodev, ro]"),
    /E_VALUE volumes\.logical\[1\]\.options\[1\]: got "ro"; expected one of nodev, nosuid, noexec, noatime/,
  ],
  [
    "noexec for the engine",
    data,
    with_(data, "options: [noexec]"),
    /E_VALUE hosts\[0\]\.volumes\.logical\[2\]\.options: got \["noexec"\]; expected no noexec on the volume that holds data-root \(\/data\/docker\); remove noexec, programs are run from there$/,
  ],
  [
    "noexec for people",
    logs,
    with_(logs.replace("/logs", "/home"), "options: [nodev, noexec]"),
    /E_VALUE hosts\[1\]\.volumes\.logical\[1\]\.options: .*the volume that holds the home of deploy \(\/home\/deploy\)/,
  ],
  [
    "mount below a later one",
    logs,
    logs.replace("/logs", "/data/logs"),
    /E_VALUE volumes\.logical\[1\]\.mount: got "\/data\/logs"; expected \/data before what is mounted below it; move it behind data$/,
  ],
  [
    "unknown owner",
    logs,
    with_(logs, "owner: nobody"),
    /E_VALUE hosts\[0\]\.volumes\.logical\[1\]\.owner: got "nobody"; expected names of this site \(root, deploy\), or numbers; write the numbers, like "1500:1500"$/,
  ],
  [
    "mode as a number",
    logs,
    with_(logs, "mode: 0750"),
    /E_TYPE volumes\.logical\[1\]\.mode: got 750; expected a string of four octal digits, .*; write it like "0750", with the quotes$/,
  ],
  [
    "serial number with a blank",
    disk,
    `${disk}          serial: "A B"\n`,
    /E_VALUE hosts\[0\]\.volumes\.serial: got "A B"; expected a serial number of .*; run `lsblk/,
  ],
  [
    "more of the same disk",
    disk,
    `${disk}          moreDisks: [{ disk: /dev/disk/by-id/scsi-36000c29f3c1f0c5e }]\n`,
    /E_DUPLICATE hosts\[0\]\.volumes\.moreDisks\[0\]\.disk: got "\/dev\/disk\/by-id\/scsi-36000c29f3c1f0c5e"; expected another disk than/,
  ],
  [
    "a disk twice among more",
    disk,
    `${disk}          moreDisks: [{ disk: /dev/disk/by-id/a }, { disk: /dev/disk/by-id/a }]\n`,
    /E_DUPLICATE hosts\[0\]\.volumes\.moreDisks\[1\]\.disk/,
  ],
  [
    "one more disk not by id",
    disk,
    `${disk}          moreDisks: [{ disk: /dev/sdc }]\n`,
    /E_DISK_NAME hosts\[0\]\.volumes\.moreDisks\[0\]\.disk: got "\/dev\/sdc"/,
  ],
  [
    "journal beside the volumes",
    group,
    `${group}      journal: { mount: /var/log, maxUse: 500MiB }\n`,
    /E_VALUE hosts\[0\]\.volumes\.journal\.mount: got "\/var\/log"; expected a mount of the site \(\/svc, \/logs, \/data\); name one of these, or add a volume$/,
  ],
  [
    "journal larger than its volume",
    group,
    `${group}      journal: { mount: /logs, maxUse: 20GiB }\n`,
    /E_VALUE hosts\[0\]\.volumes\.journal\.maxUse: got "20GiB"; expected less than the size of volume logs \(20GiB\); lower it, or make the volume larger$/,
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
    /E_UNIT volumes\.journal\.maxUse: got "500M"; expected a whole number and MiB or GiB; write it like 500MiB$/,
  ],
];

for (const [what, from, to, message] of slips) {
  test(`refused with code, place and remedy: ${what}`, () => {
    const messages = problemsOf(changed(from, to)).map(formatProblem);
    assert.ok(
      messages.some((line) => message.test(line)),
      messages.join("\n") || "it was accepted",
    );
  });
}

test("what the rules let through reaches the host", () => {
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
  assert.equal(host?.volumes.logical[3]?.size, "100%FREE");
  assert.equal(host.volumes.journal?.maxRetentionDays, 90);
});

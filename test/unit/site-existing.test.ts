import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { preflightSteps } from "../../modules/preflight/steps.ts";
import { volumeSteps } from "../../modules/volumes/steps.ts";
import { own, withRegistry } from "../support/fixtures/registry-site.ts";
import { exampleText, problemsOf, siteOf } from "../support/fixtures/site-text.ts";

/** The example with other storage: the volumes section of the site, and that of its first host. */
function sited(site: string, host = "", second = host): string {
  const volumes = / {4}volumes:\n {6}group: vg0\n {6}logicalVolumes:\n( {8}- .*\n)+/;
  const disk = / {8}volumes:\n {10}disks: .*\n/;
  const text = exampleText
    .replace(volumes, site === "" ? "" : `    volumes: ${site}\n`)
    .replace(disk, host === "" ? "" : `        volumes: ${host}\n`)
    .replace(disk, second === "" ? "" : `        volumes: ${second}\n`);
  assert.ok(!text.includes("/dev/disk/by-id/scsi-36000c29f3c1f0c5e"));
  return text;
}

const data = "{ existing: [{ mount: /data, filesystem: xfs, minFree: 50GiB }] }";
const disk = "disks: [{ id: /dev/disk/by-id/scsi-a }]";
const svc = "{ name: svc, size: 20GiB, mount: /svc }";

test("a host with existing storage needs neither disk nor volumes", () => {
  for (const text of [sited("{ existing: [{ mount: /data }] }"), sited("", data)]) {
    assert.deepEqual(problemsOf(text).map(formatProblem), []);
    for (const host of siteOf(text).hosts) {
      assert.deepEqual(host.volumes.logicalVolumes, []);
      assert.ok(
        volumeSteps(host).every(({ call: [name, path] }) => /^existing_/.test(name) && path === "/data"),
      );
      const [commands] = preflightSteps(host, undefined, 0).filter(
        ({ code }) => code === "preflight.commands",
      );
      assert.deepEqual(
        commands?.call.filter((word) => ["lvcreate", "mkfs.xfs", "wipefs", "chattr"].includes(word)),
        [],
      );
    }
  }
});

test("existing mounts may be combined with volumes, differ between hosts, and a list is replaced as a whole", () => {
  const text = sited(
    `{ logicalVolumes: [${svc}], existing: [{ mount: /data }] }`,
    `{ ${disk} }`,
    "{ logicalVolumes: [], existing: [{ mount: /data }, { mount: /logs, filesystem: ext4 }], journal: { mount: /logs, maxUse: 1GiB } }",
  );
  assert.deepEqual(problemsOf(text).map(formatProblem), []);
  const [a, b] = siteOf(text).hosts;
  assert.deepEqual(
    [a, b].map((host) => host?.volumes.existing?.map(({ mount }) => mount)),
    [["/data"], ["/data", "/logs"]],
  );
  assert.deepEqual(
    volumeSteps(a ?? assert.fail()).map(({ code }) => code),
    [
      "volumes.existing./data",
      "volumes.filesystem./data",
      "volumes.options./data",
      "volumes.boot./data",
      "volumes.group",
      "volumes.svc",
      "volumes.svc.filesystem",
      "volumes.svc.mount",
    ],
  );
  assert.deepEqual(
    volumeSteps(b ?? assert.fail()).map(({ code }) => code),
    [
      ...["/data", "/logs"].flatMap((mount) =>
        ["existing", "filesystem", "options", "boot"].map((one) => `volumes.${one}.${mount}`),
      ),
      "volumes.journal",
    ],
  );
});

test("an existing mount may hold the registry, but not together with data-root", () => {
  const registry = own.replace("/registry", "/packages");
  const of = (mounts: string): string =>
    withRegistry(registry).replace("      group: vg0\n", `      group: vg0\n      existing: ${mounts}\n`);
  assert.deepEqual(problemsOf(of("[{ mount: /packages }]")).map(formatProblem), []);
  const [served] = siteOf(of("[{ mount: /packages }]")).hosts;
  assert.equal(served?.registry?.serves?.mount, "/packages");
  const together = of("[{ mount: /packages }]").replace(
    "data-root: /data/docker",
    "data-root: /packages/docker",
  );
  assert.match(
    problemsOf(together).map(formatProblem).join("\n"),
    /E_CONFLICT registry\.mount: found: "\/packages"; expected: a volume other than that of data-root \(\/packages\/docker\) on node-a/,
  );
});

test("project quotas are required of an existing xfs, and of no ext4", () => {
  const of = (kind: string): string =>
    sited(`{ existing: [{ mount: /data, filesystem: ${kind} }] }`).replace(
      "storage-driver: overlay2",
      "storage-driver: overlay2\n      storage-opts: [overlay2.size=20G]",
    );
  const [host] = siteOf(of("xfs")).hosts;
  assert.ok(
    volumeSteps(host ?? assert.fail()).some(
      ({ call }) => call.join(" ") === "existing_options /data rw,exec,prjquota",
    ),
  );
  assert.match(
    problemsOf(of("ext4")).map(formatProblem).join("\n"),
    /E_CONFLICT .*storage-opts: found: .* with data-root on \/data \(ext4\); expected: data-root on an xfs mount of volumes\.existing that is mounted with pquota/,
  );
});

/** One mistake each: the keys of the site, the keys of its hosts, and the message of the refusal. */
const mistakes: readonly [string, string, string, RegExp][] = [
  [
    "neither disk nor mount",
    "",
    "",
    /E_KEY_MISSING hosts\[0\]\.volumes\.disks: .*; fix: add disks: .*, or existing: with mounts that exist already$/,
  ],
  [
    "an empty list of volumes and nothing else",
    "{ logicalVolumes: [] }",
    "",
    /:\d+:\d+: E_VALUE hosts\[0\]\.volumes\.logicalVolumes: found: \[\]; expected: logical volumes or existing mounts; fix: add logicalVolumes or existing$/,
  ],
  ["an empty list of mounts", "{ existing: [] }", "", /E_KEY_MISSING hosts\[0\]\.volumes\.disks/],
  [
    "a disk for no volumes",
    "{ logicalVolumes: [], existing: [{ mount: /data }] }",
    `{ ${disk} }`,
    /:\d+:\d+: E_CONFLICT hosts\[0\]\.volumes\.disks: found: \[\{"id":"\/dev\/disk\/by-id\/scsi-a"\}\]; expected: no disks without volumes; fix: remove the disks, or define/,
  ],
  [
    "a disk without volumes beside mounts",
    data,
    `{ ${disk} }`,
    /E_KEY_MISSING hosts\[0\]\.volumes\.logicalVolumes/,
  ],
  [
    "volumes without a disk beside mounts",
    `{ logicalVolumes: [${svc}], existing: [{ mount: /data }] }`,
    "",
    /E_KEY_MISSING hosts\[0\]\.volumes\.disks/,
  ],
  [
    "a mount twice",
    "{ existing: [{ mount: /data }, { mount: /data }] }",
    "",
    /:\d+:\d+: E_DUPLICATE volumes\.existing\[1\]\.mount: found: "\/data"; expected: a unique mount; volumes\.existing\[0\] has the same/,
  ],
  [
    "a mount that is a volume's",
    `{ logicalVolumes: [${svc}], existing: [{ mount: /data }, { mount: /svc }] }`,
    `{ ${disk} }`,
    /:\d+:\d+: E_DUPLICATE hosts\[0\]\.volumes\.existing\[1\]\.mount: found: "\/svc"; expected: a mount other than that of volume svc; fix: remove one/,
  ],
  [
    "a mount below a volume",
    `{ logicalVolumes: [${svc}], existing: [{ mount: /data }, { mount: /svc/in }] }`,
    `{ ${disk} }`,
    /:\d+:\d+: E_CONFLICT hosts\[0\]\.volumes\.existing\[1\]\.mount: found: "\/svc\/in"; expected: a mount that volume svc \(\/svc\) does not hide; fix: choose another mount point for the volume$/,
  ],
  ...["data", "/", "/data/", "//data", "/data//x", "/data/../x", "/./data", "/da ta", "/-data"].map(
    (mount): [string, string, string, RegExp] => [
      `a path that is not absolute and plain: ${mount}`,
      `{ existing: [{ mount: "${mount}" }] }`,
      "",
      /:\d+:\d+: E_VALUE volumes\.existing\[0\]\.mount: found: ".*"; expected: an absolute path of letters, digits, dots, underscores and inner hyphens, not \/; fix: write it like "\/data"$/,
    ],
  ),
  [
    "another file system",
    "{ existing: [{ mount: /data, filesystem: btrfs }] }",
    "",
    /:\d+:\d+: E_VALUE volumes\.existing\[0\]\.filesystem: found: "btrfs"; expected: one of xfs, ext4/,
  ],
  [
    "free space without a unit",
    "{ existing: [{ mount: /data, minFree: 50G }] }",
    "",
    /:\d+:\d+: E_UNIT volumes\.existing\[0\]\.minFree: found: "50G"; expected: a whole number and MiB, GiB or TiB; fix: write it like 50GiB$/,
  ],
  [
    "an owner, which would be a change",
    "{ existing: [{ mount: /data, owner: deploy }] }",
    "",
    /:\d+:\d+: E_KEY_UNKNOWN volumes\.existing\[0\]\.owner/,
  ],
  [
    "no mount",
    "{ existing: [{ filesystem: xfs }] }",
    "",
    /:\d+:\d+: E_KEY_MISSING volumes\.existing\[0\]\.mount/,
  ],
  [
    "data-root beside the mounts",
    "{ existing: [{ mount: /srv }] }",
    "",
    /:\d+:\d+: E_VALUE .*data-root: found: "\/data\/docker"; expected: a path on a mount of the site \(\/srv\)/,
  ],
  [
    "a home that is the mount",
    "{ existing: [{ mount: /data }, { mount: /home/deploy }] }",
    "",
    /:\d+:\d+: E_CONFLICT hosts\[0\]\.volumes\.existing\[1\]\.mount: found: "\/home\/deploy"; expected: a mount that is not itself the home of deploy/,
  ],
  [
    "the journal beside the mounts",
    "{ existing: [{ mount: /data }], journal: { mount: /logs, maxUse: 1GiB } }",
    "",
    /E_VALUE hosts\[0\]\.volumes\.journal\.mount: found: "\/logs"; expected: a mount of the site \(\/data\)/,
  ],
];
for (const [what, site, host, message] of mistakes) {
  test(`refused with code, place and remedy: ${what}`, () => {
    const messages = problemsOf(sited(site, host)).map(formatProblem);
    assert.ok(
      messages.some((line) => message.test(line)),
      messages.join("\n") || "it was accepted",
    );
  });
}

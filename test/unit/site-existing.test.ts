import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { preflightSteps } from "../../modules/preflight/steps.ts";
import { volumeSteps } from "../../modules/volumes/steps.ts";
import { own, withRegistry } from "../support/registry-site.ts";
import { exampleText, problemsOf, siteOf } from "../support/site-text.ts";

/** The example with other storage: what the site says of volumes, and what its first host does. */
function sited(site: string, host = "", second = host): string {
  const volumes = / {4}volumes:\n {6}group: vg0\n {6}logical:\n( {8}- .*\n)+/;
  const disk = / {8}volumes:\n {10}disk: .*\n/;
  const text = exampleText
    .replace(volumes, site === "" ? "" : `    volumes: ${site}\n`)
    .replace(disk, host === "" ? "" : `        volumes: ${host}\n`)
    .replace(disk, second === "" ? "" : `        volumes: ${second}\n`);
  assert.ok(!text.includes("/dev/disk/by-id/scsi-36000c29f3c1f0c5e"));
  return text;
}

const data = "{ existing: [{ mount: /data, filesystem: xfs, minFree: 50GiB }] }";
const disk = "disk: /dev/disk/by-id/scsi-a";
const svc = "{ name: svc, size: 20GiB, mount: /svc }";

test("a host whose storage is laid out by others needs neither disk nor volumes", () => {
  for (const text of [sited("{ existing: [{ mount: /data }] }"), sited("", data)]) {
    assert.deepEqual(problemsOf(text).map(formatProblem), []);
    for (const host of siteOf(text).hosts) {
      assert.deepEqual(host.volumes.logical, []);
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

test("mounts of others stand beside volumes, one host has what another has not, and a list is replaced whole", () => {
  const text = sited(
    `{ logical: [${svc}], existing: [{ mount: /data }] }`,
    `{ ${disk} }`,
    "{ logical: [], existing: [{ mount: /data }, { mount: /logs, filesystem: ext4 }], journal: { mount: /logs, maxUse: 1GiB } }",
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

test("a mount of others holds the registry, but not beside data-root", () => {
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
    /E_CONFLICT registry\.mount: got "\/packages"; expected another volume than the one of data-root \(\/packages\/docker\) of node-a/,
  );
});

test("quotas of containers are asked of an xfs that others have mounted, and of no ext4", () => {
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
    /E_CONFLICT .*storage-opts: got .* with data-root on \/data \(ext4\); expected data-root on a mount of volumes\.existing that is xfs and mounted with pquota/,
  );
});

/** One slip each: what the site says, what its hosts say, and the words that it is refused with. */
const slips: readonly [string, string, string, RegExp][] = [
  [
    "neither disk nor mount",
    "",
    "",
    /E_KEY_MISSING hosts\[0\]\.volumes\.disk: .*; add disk: .*, or existing: with mounts that are there$/,
  ],
  [
    "an empty list of volumes and nothing else",
    "{ logical: [] }",
    "",
    /:\d+:\d+: E_VALUE hosts\[0\]\.volumes\.logical: got \[\]; expected volumes, or existing mounts; add logical or existing$/,
  ],
  ["an empty list of mounts", "{ existing: [] }", "", /E_KEY_MISSING hosts\[0\]\.volumes\.disk/],
  [
    "a disk for no volumes",
    "{ logical: [], existing: [{ mount: /data }] }",
    `{ ${disk} }`,
    /:\d+:\d+: E_CONFLICT hosts\[0\]\.volumes\.disk: got "\/dev\/disk\/by-id\/scsi-a"; expected no disk where there are no volumes; remove the disk, or name/,
  ],
  [
    "more disks for no volumes",
    "{ logical: [], existing: [{ mount: /data }], moreDisks: [{ disk: /dev/disk/by-id/scsi-b }] }",
    "",
    /:\d+:\d+: E_CONFLICT hosts\[0\]\.volumes\.moreDisks: got \[\{"disk":"\/dev\/disk\/by-id\/scsi-b"\}\]/,
  ],
  ["a disk without volumes beside mounts", data, `{ ${disk} }`, /E_KEY_MISSING hosts\[0\]\.volumes\.logical/],
  [
    "volumes without a disk beside mounts",
    `{ logical: [${svc}], existing: [{ mount: /data }] }`,
    "",
    /E_KEY_MISSING hosts\[0\]\.volumes\.disk/,
  ],
  [
    "a mount twice",
    "{ existing: [{ mount: /data }, { mount: /data }] }",
    "",
    /:\d+:\d+: E_DUPLICATE volumes\.existing\[1\]\.mount: got "\/data"; expected another mount than volumes\.existing\[0\] has/,
  ],
  [
    "a mount that is a volume's",
    `{ logical: [${svc}], existing: [{ mount: /data }, { mount: /svc }] }`,
    `{ ${disk} }`,
    /:\d+:\d+: E_DUPLICATE hosts\[0\]\.volumes\.existing\[1\]\.mount: got "\/svc"; expected another mount than volume svc has; remove one/,
  ],
  [
    "a mount below a volume",
    `{ logical: [${svc}], existing: [{ mount: /data }, { mount: /svc/in }] }`,
    `{ ${disk} }`,
    /:\d+:\d+: E_CONFLICT hosts\[0\]\.volumes\.existing\[1\]\.mount: got "\/svc\/in"; expected a mount that volume svc \(\/svc\) does not hide; mount the volume somewhere else$/,
  ],
  ...["data", "/", "/data/", "//data", "/data//x", "/data/../x", "/./data", "/da ta", "/-data"].map(
    (mount): [string, string, string, RegExp] => [
      `a path that is not absolute and plain: ${mount}`,
      `{ existing: [{ mount: "${mount}" }] }`,
      "",
      /:\d+:\d+: E_VALUE volumes\.existing\[0\]\.mount: got ".*"; expected an absolute path of letters, digits, dots, underscores and inner hyphens, not \/; write it like "\/data"$/,
    ],
  ),
  [
    "another file system",
    "{ existing: [{ mount: /data, filesystem: btrfs }] }",
    "",
    /:\d+:\d+: E_VALUE volumes\.existing\[0\]\.filesystem: got "btrfs"; expected one of xfs, ext4/,
  ],
  [
    "free space without a unit",
    "{ existing: [{ mount: /data, minFree: 50G }] }",
    "",
    /:\d+:\d+: E_UNIT volumes\.existing\[0\]\.minFree: got "50G"; expected a whole number and MiB, GiB or TiB; write it like 50GiB$/,
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
    /:\d+:\d+: E_VALUE .*data-root: got "\/data\/docker"; expected a path on a mount of the site \(\/srv\)/,
  ],
  [
    "a home that is the mount",
    "{ existing: [{ mount: /data }, { mount: /home/deploy }] }",
    "",
    /:\d+:\d+: E_CONFLICT hosts\[0\]\.volumes\.existing\[1\]\.mount: got "\/home\/deploy"; expected a mount that is not itself the home of deploy/,
  ],
  [
    "the journal beside the mounts",
    "{ existing: [{ mount: /data }], journal: { mount: /logs, maxUse: 1GiB } }",
    "",
    /E_VALUE hosts\[0\]\.volumes\.journal\.mount: got "\/logs"; expected a mount of the site \(\/data\)/,
  ],
];
for (const [what, site, host, message] of slips) {
  test(`refused with code, place and remedy: ${what}`, () => {
    const messages = problemsOf(sited(site, host)).map(formatProblem);
    assert.ok(
      messages.some((line) => message.test(line)),
      messages.join("\n") || "it was accepted",
    );
  });
}

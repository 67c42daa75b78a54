import assert from "node:assert/strict";
import { test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { renamedKeys } from "../../modules/core/site/renamed-keys.ts";
import { changed, problemsOf } from "../support/fixtures/site-text.ts";

const inUser = (line: string): string => changed("uid: 1500", `uid: 1500\n        ${line}`);
const inSite = (line: string): string => changed(/\n {4}hosts:\n/, `\n    ${line}\n    hosts:\n`);

/** Each key of a pre-release in its old place, and the one problem with which it is refused. */
const oldKeys: Readonly<Record<string, readonly [text: string, problem: RegExp]>> = {
  strangers: [
    inSite("dockerGroup: { strangers: remove }"),
    /E_KEY_UNKNOWN dockerGroup\.strangers: found: the key "strangers"; .*; fix: rename it to "unmanagedMembers"$/,
  ],
  keys: [inUser("keys: add"), /E_KEY_UNKNOWN users\[0\]\.keys: .*; fix: rename it to "authorizedKeysMode"$/],
  signatures: [
    changed("minSignatures:", "signatures:"),
    /E_KEY_UNKNOWN bundle\.signatures: .*; fix: rename it to "minSignatures"$/,
  ],
  keep: [
    inSite("registry: { keep: 3 }"),
    /E_KEY_UNKNOWN registry\.keep: .*; fix: rename it to "retainBundles"$/,
  ],
  sources: [
    inSite("registry: { sources: [docker.io] }"),
    /E_KEY_UNKNOWN registry\.sources: .*; fix: rename it to "mirroredRegistries"$/,
  ],
  login: [
    changed("sshUser: ops", "login: ops"),
    /E_KEY_UNKNOWN hosts\[0\]\.login: .*; fix: rename it to "sshUser"$/,
  ],
  jump: [inSite("jump: { address: 10.20.0.2 }"), /E_KEY_UNKNOWN jump: .*; fix: rename it to "jumpHost"$/],
  logical: [
    changed("logicalVolumes:", "logical:"),
    /E_KEY_UNKNOWN volumes\.logical: .*; fix: rename it to "logicalVolumes"$/,
  ],
  disk: [
    changed(
      "disks: [{ id: /dev/disk/by-id/scsi-36000c29f3c1f0c5e }]",
      "disk: /dev/disk/by-id/scsi-36000c29f3c1f0c5e",
    ),
    /E_KEY_UNKNOWN hosts\[0\]\.volumes\.disk: .*; fix: list the disks of the group in disks: \[\{ id: /,
  ],
  serial: [
    changed(
      "[{ id: /dev/disk/by-id/scsi-36000c29f3c1f0c5e }]",
      "[{ id: /dev/disk/by-id/scsi-36000c29f3c1f0c5e }]\n          serial: A",
    ),
    /E_KEY_UNKNOWN hosts\[0\]\.volumes\.serial: .*; fix: list the disks of the group in disks: \[\{ id: /,
  ],
  moreDisks: [
    changed(
      "disks: [{ id: /dev/disk/by-id/scsi-36000c29f3c1f0c5e }]",
      "moreDisks: [{ id: /dev/disk/by-id/scsi-36000c29f3c1f0c5e }]",
    ),
    /E_KEY_UNKNOWN hosts\[0\]\.volumes\.moreDisks: .*; fix: list the disks of the group in disks: \[\{ id: /,
  ],
  systemUid: [
    inUser("systemUid: true"),
    /E_KEY_UNKNOWN users\[0\]\.systemUid: .*; fix: rename it to "allowSystemId"$/,
  ],
};

for (const [key, [text, problem]] of Object.entries(oldKeys))
  test(`the key ${key} of a pre-release is refused with its name of today`, () => {
    const messages = problemsOf(text).map(formatProblem);
    assert.equal(messages.length, 1, messages.join("\n"));
    assert.match(messages[0] ?? "", problem);
  });

test("every renamed key is tried here", () => {
  assert.deepEqual(Object.keys(oldKeys).toSorted(), Object.keys(renamedKeys).toSorted());
});

test("an old key of a disk in the list is refused with its name of today", () => {
  const problems = problemsOf(changed("disks: [{ id: ", "disks: [{ disk: "));
  assert.deepEqual(
    problems.map(({ subject, fix }) => `${subject}: ${fix}`),
    ['hosts[0].volumes.disks[0].disk: rename it to "id"'],
  );
});

test("an old key where no key of its new name is, is one like any other", () => {
  const [problem] = problemsOf(
    inSite("engine: { strangers: remove }").replace(/engine:\n +version: .*\n/, ""),
  );
  assert.match(problem?.fix ?? "", /^remove it; /);
});

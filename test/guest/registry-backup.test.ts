/** The content of a registry and the receipts of runs, backed up while everything runs, and restored by the script on their host. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { parseBackupStatus } from "../../modules/backup/client-status.ts";
import { backedApps, registryBackup, type BackedApp } from "../../modules/core/site/backed-apps.ts";
import { type BackupInGuest, startBackups } from "../support/guests/backup-in-guest.ts";
import {
  blobPath,
  mount,
  registryAddress,
  registryName,
  startConvergedRegistry,
  type RegistryInGuest,
} from "../support/guests/registry-in-guest.ts";
import { manifestType, pushImage } from "../support/guests/registry-pushes.ts";
import { undoAfter } from "../support/process/undo.ts";

let guest: RegistryInGuest;
let world: BackupInGuest;
const root = (command: string): Promise<string> => guest.on.root(command);
const storage = `${mount}/storage/docker/registry/v2`;
const conf = `/etc/sealift/backup/apps/${registryBackup}.conf`;
const script = "/opt/sealift/backup/restore";
/** sha256 of the manifest. */
let theirs = "";

const undo = undoAfter();
before(async () => {
  guest = await startConvergedRegistry("registry-backup");
  undo(() => guest.on.end());
  const shipped = await pushImage(guest, "files/a", "1", "a layer", "of a bundle");
  const recorded = await guest.on.call("apply_registry_bundle", mount, "1", `files/a ${shipped} 1`);
  assert.equal(recorded.exitCode, 0, recorded.output);
  theirs = await pushImage(guest, "team/thing", "1", "a thing of theirs");
  world = await startBackups(guest.on);
});

function receipts(): BackedApp {
  const store = { host: "store-a", address: "127.0.0.1", port: 8000 };
  const [app] = backedApps({
    apps: [],
    backup: { restic: "0", password: "restic.age", store, receipts: { at: "04:00" } },
  });
  assert.ok(app);
  return app;
}

function registry(): BackedApp {
  const serves = { version: guest.archive.version, mount, address: registryAddress, writerPort: 5001 };
  const store = { host: "store-a", address: "127.0.0.1", port: 8000 };
  const [app] = backedApps({
    apps: [],
    backup: { restic: "0", password: "restic.age", store, registry: { at: "03:30" } },
    registry: {
      ...{ name: registryName, port: 5000, prefix: "", addresses: [registryAddress], follows: "names" },
      ...{ mirroredRegistries: [], explicitMirrors: false, trust: { hosts: [] }, serves },
    },
  });
  assert.ok(app);
  return app;
}

/** What the reader answers for a manifest. */
const status = (repository: string, reference: string): Promise<string> =>
  guest.curl(
    `-o /dev/null -w '%{http_code}' -H 'Accept: ${manifestType}' https://${registryName}:5000/v2/${repository}/manifests/${reference}`,
  );

const bothRun = async (): Promise<void> => {
  const units = "sealift-registry-writer sealift-registry-reader";
  await root(`systemctl is-active ${units} && systemctl is-enabled ${units}`);
  await root(
    "timeout 60 sh -c 'until ss -Hltn | grep -q :5000 && ss -Hltn | grep -q :5001; do sleep 0.2; done'",
  );
};

/** A restic that first does something else, and only once. */
async function meanwhile(command: string): Promise<void> {
  const real = "$(ls /opt/sealift/restic/*/restic)";
  const input = `#!/bin/sh
case "$*" in *--json*) if mkdir /srv/once 2>/dev/null; then ${command}; fi ;; esac
exec ${real} "$@"
`;
  await root("rm -rf /srv/once");
  await guest.on.guest.exec("sudo -n tee /srv/restic >/dev/null && sudo -n chmod 0755 /srv/restic", {
    input,
  });
  await root(`sed -i 's|^program=.*|program=/srv/restic|' ${conf}`);
}

const restored = async (words: string): Promise<string> => root(`sh ${script} ${words} 2>&1`);

describe("the backup of a registry", () => {
  test("is made while both processes run, and holds its content and the records of bundles", async () => {
    const since = await root("systemctl show -P ActiveEnterTimestampMonotonic sealift-registry-writer");
    const steps = [...world.steps(registry()), ...world.restoreSteps(registry(), registryName)];
    const made = await guest.on.run("apply", steps);
    assert.ok(made.revision, made.text);
    const again = await guest.on.run("check", steps);
    assert.deepEqual(
      again.steps.filter(({ status: one }) => one !== "ok"),
      [],
    );
    assert.equal(
      await root("systemctl show -P ActiveEnterTimestampMonotonic sealift-registry-writer"),
      since,
    );
    const { last } = parseBackupStatus(again.values?.[`backup.${registryBackup}.status`] ?? "");
    assert.equal(last?.release, guest.archive.version);
    assert.equal(last.stopped, 0);
    const held = await world.restic("ls latest");
    assert.ok(held.includes(`/data/storage${blobPath(theirs).slice(`${mount}/storage`.length)}`), held);
    assert.match(held, /^\/data\/bundles\/1$/m);
  });

  test("is read again when something was removed meanwhile, as a prune does: what was read before does not count", async () => {
    await root(`touch ${storage}/old`);
    await meanwhile(`rm ${storage}/old`);
    const counted = await world.counted();
    assert.equal(await world.backUp(registryBackup), "success");
    assert.equal((await world.counted()).length, counted.length + 1);
    // The first, the one that does not count, the mark that says so, and this one.
    assert.equal((JSON.parse(await world.restic("snapshots --json")) as object[]).length, 4);
    assert.doesNotMatch(await world.restic("ls latest"), /v2\/old/);
  });

  test("fails when it never stays as it is", async () => {
    await root("sed -i 's/^  for pause in 5 .*/  for pause in 0 \"\"; do/' /opt/sealift/backup/backup");
    await root(
      "systemd-run --quiet --collect --unit pushes sh -c 'while :; do date >/registry/storage/pushed; sleep 0.05; done'",
    );
    const counted = await world.counted();
    assert.match(await world.backUp(registryBackup), / 15 .*its files changed during each attempt; fix: /);
    assert.deepEqual(await world.counted(), counted);
    await root("systemctl stop pushes; rm /registry/storage/pushed");
    assert.equal(await root("ls -A /var/lib/sealift/backup/_registry | xargs"), "failed folders last\n");
    const { revision, text } = await guest.on.run("apply", world.steps(registry()));
    assert.ok(revision, text);
  });
});

describe("a restore", () => {
  test("brings back what is lost, and what was there before lies aside", async () => {
    const bundles = await root(`ls ${mount}/bundles`);
    assert.equal(await world.backUp(registryBackup), "success");
    await root(`rm -r ${storage}/repositories/team ${blobPath(theirs)} ${mount}/bundles`);
    assert.equal(await status("team/thing", "1"), "404");
    await pushImage(guest, "files/after", "1", "pushed after the backup");
    const list = await restored(`--list ${registryBackup}`);
    assert.match(list, new RegExp(`${guest.archive.version} +\\d+ +files:bundles,files:storage$`, "m"));
    const text = await restored(`${registryBackup} --from latest --confirm ${registryBackup}`);
    assert.match(text, /it will stop: sealift-registry-writer sealift-registry-reader/);
    assert.match(
      text,
      /^ {4}\d+ blobs have their digests, 2 manifests are there; registry\.site:5000 answers$/m,
    );
    assert.match(text, /restored: _registry has its data of .*\n.*run pulumi up, which sends it again/);
    await bothRun();
    for (const repository of ["team/thing", "files/a"])
      assert.equal(await status(repository, "1"), "200", repository);
    assert.equal(await status("files/after", "1"), "404");
    assert.equal(await root(`ls ${mount}/bundles`), bundles);
    const { revision, text: checked } = await guest.on.run("check", guest.steps);
    assert.ok(revision, checked);
    assert.doesNotMatch(checked, /^drift/m);
  });

  test("is undone", async () => {
    const text = await restored(`${registryBackup} --undo --confirm ${registryBackup}`);
    assert.match(text, /undone: _registry has the data from before the restore/);
    await bothRun();
    assert.equal(await status("team/thing", "1"), "404");
    assert.equal(await status("files/after", "1"), "200");
    await root("rm -r /registry/*.restored-*");
  });

  test("of a damaged blob is reported, and can be undone", async () => {
    // A new folder is one that somebody has to adopt.
    await root(`mkdir ${mount}/bundles && sh /opt/sealift/backup/backup --adopt ${registryBackup}`);
    const blob = blobPath(await pushImage(guest, "files/b", "1", "a layer of b"));
    await root(`cp -a ${blob} /srv/blob; printf x >>${blob}`);
    assert.equal(await world.backUp(registryBackup), "success");
    await root(`cp -a /srv/blob ${blob}`);
    const words = `${registryBackup} --from latest --confirm ${registryBackup}`;
    const { exitCode, stdout, stderr } = await guest.on.guest.exec(`sudo -n sh ${script} ${words}`);
    assert.equal(exitCode, 1);
    assert.match(
      stdout + stderr,
      /found: blobs\/sha256\/\w{2}\/\w{64}\/data: FAILED.*\nexpected: that the registry is whole/,
    );
    await restored(`${registryBackup} --undo --confirm ${registryBackup}`);
    await bothRun();
    assert.equal(await status("files/b", "1"), "200");
  });
});

describe("the receipts of runs", () => {
  const sh = (words: string, input = ""): ReturnType<typeof guest.on.guest.exec> =>
    guest.on.guest.exec(`sudo -n sh /opt/sealift/backup/receipts ${words}`, { input });
  const first = "prod-20261121T180000Z.json";
  const files = [
    [first, '{ "number": 1 }\n'],
    [`${first}.sig`, "-----BEGIN SSH SIGNATURE-----\n"],
  ] as const;
  const stream = (of: readonly (readonly [string, string])[]): string =>
    of.map(([name, text]) => `${name} ${text.length}\n${text}`).join("");

  test("are taken, never changed, and reach the store as they are", async () => {
    const steps = [...world.steps(receipts()), ...world.restoreSteps(receipts(), registryName)];
    const made = await guest.on.run("apply", steps);
    assert.ok(made.revision, made.text);
    assert.equal((await sh("--take", stream(files))).exitCode, 0);
    assert.deepEqual((await sh("--list")).stdout.trim().split("\n").toSorted(), [first, `${first}.sig`]);
    assert.equal((await sh("--take", stream(files))).exitCode, 0);
    const changed = await sh("--take", stream([[first, "{}"]]));
    assert.equal(changed.exitCode, 1);
    assert.match(changed.stderr, /^found: another prod-20261121T180000Z\.json\nexpected: .*\nfix: /);
    for (const wrong of ["../x.json 1\na", "x.sh 1\na", "x.json\n", "x.json 1;2\n", "-x.json 1\na"])
      assert.match((await sh("--take", wrong)).stderr, /found: a line that names no receipt/, wrong);
    assert.match((await sh("--take", "x.json 9\nabc")).stderr, /found: the end of x\.json is missing/);
    assert.equal(await world.backUp("_receipts"), "success");
    const again = await guest.on.run("check", steps);
    assert.doesNotMatch(again.text, /^drift/m);
    const latest = "latest --tag app=_receipts";
    for (const [name, text] of files)
      assert.equal(await world.restic(`dump ${latest} data/receipts/${name}`), text);
  });

  test("come back when their folder is lost", async () => {
    await root("rm -r /var/lib/sealift/receipts");
    const text = await restored("_receipts --from latest --confirm _receipts");
    assert.match(text, /restored: _receipts has its data of /);
    assert.equal(await root(`cat /var/lib/sealift/receipts/${first}`), files[0][1]);
    assert.equal(await root("stat -c '%U %a' /var/lib/sealift/receipts"), "root 700\n");
  });
});

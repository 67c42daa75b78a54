/** Backups of an application on a real engine: dump, stop, send, what fails, and what an end in the middle leaves: nothing. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { backupStatusCode, parseBackupStatus } from "../../modules/backup/client-status.ts";
import type { Step } from "../../modules/core/host/step.ts";
import type { AppBackupSpec } from "../../modules/core/site/site-spec.ts";
import { type BackupInGuest, repositoryPassword, storeFolder } from "../support/guests/backup-in-guest.ts";
import { exampleApp } from "../support/fixtures/example-app.ts";
import type { EngineInGuest } from "../support/guests/engine-in-guest.ts";
import {
  ledgerApp,
  ledgerFolder,
  type LedgerInGuest,
  startLedger,
} from "../support/guests/ledger-in-guest.ts";
import { shellFacts } from "../support/guests/shell-facts.ts";
import { undoAfter } from "../support/process/undo.ts";

const unit = "sealift-backup-ledger";
const state = "/var/lib/sealift/backup/ledger";
const conf = "/etc/sealift/backup/apps/ledger.conf";
const script = "/opt/sealift/backup/backup";
const folder = ledgerFolder;
let ledger: LedgerInGuest;
let engine: EngineInGuest;
let world: BackupInGuest;
const undo = undoAfter();
before(async () => {
  ledger = await startLedger("backup-client", undo);
  ({ engine, world } = ledger);
});
const { finds, holds, applies } = shellFacts(() => engine.on);
const root = (command: string): Promise<string> => engine.on.root(command);
const sql = (text: string): Promise<string> => ledger.sql(text);
const ready = (): Promise<void> => ledger.ready();
const until = (command: string): Promise<void> => ledger.until(command);
const configure = (backup?: Partial<AppBackupSpec>): Promise<void> => ledger.configure(backup);
const app = ledgerApp;

/** Nothing of a backup is left, and the service runs. */
async function nothingLeft(): Promise<void> {
  const run = "/run/sealift/backup/ledger";
  assert.equal(await root(`grep ${run} /proc/[0-9]*/mountinfo || true`), "");
  assert.equal(await root(`ls -A ${run} /.sealift-backup 2>/dev/null || true`), `${run}:\nlock\n`);
  assert.equal(await root(`ls ${state} | grep -v -e ^last$ -e ^failed$ -e ^folders$ || true`), "");
  assert.equal((await engine.docker("inspect --format '{{.State.Running}}' ledger-db-1")).trim(), "true");
  await ready();
}

const last = async (): Promise<string> => root(`cat ${state}/last 2>/dev/null || true`);

describe("on a host that makes no backups yet", () => {
  test("every fact is made true in order, the first backup among them, which stops its service", async () => {
    const steps = world.steps(app());
    const found = await engine.on.run("check", steps);
    assert.deepEqual(
      found.steps.map(({ code, status, effect = "" }) => `${code} ${status} ${effect}`.trim()),
      [
        "backup.archive drift none",
        "backup.program drift none",
        "backup.certificate.store-a drift none",
        "backup.scripts drift none",
        "backup.others ok",
        "backup.ledger.job drift none",
        "backup.ledger.recent drift containers-stop",
        "backup.ledger.status ok",
      ],
    );
    const made = await engine.on.run("apply", steps);
    assert.ok(made.revision, made.text);
    const again = await engine.on.run("check", steps);
    assert.deepEqual(
      again.steps.filter(({ status }) => status !== "ok"),
      [],
    );
    const { last: backup, failed } = parseBackupStatus(again.values?.[backupStatusCode("ledger")] ?? "");
    assert.ok(backup, again.text);
    assert.equal(failed, undefined);
    assert.ok(backup.bytes > 1_000_000 && backup.added > 100_000, again.text);
    assert.ok(backup.stopped > 0 && backup.stopped < 60_000, again.text);
    await nothingLeft();
  });

  test("one snapshot has dump and files, and says what of", async () => {
    const [snapshot, ...others] = JSON.parse(await world.restic("snapshots --json")) as {
      readonly hostname: string;
      readonly tags: readonly string[];
    }[];
    assert.deepEqual(others, []);
    assert.equal(snapshot?.hostname, "node-a");
    const image = (await engine.docker("inspect --format '{{.Image}}' ledger-db-1")).trim();
    const [name, release, serial, run, ...rest] = snapshot.tags;
    assert.deepEqual([name, release, ...rest], ["app=ledger", "release=none", `image.db=${image}`]);
    assert.match(`${serial} ${run}`, /^serial=\d+ run=[0-9a-f]{16}$/);
    assert.match(await world.restic("dump latest dump/db"), /CREATE TABLE public\.entries/);
    assert.equal(await world.restic("dump latest data/db/cluster/PG_VERSION"), "17\n");
    // It was stopped: no such file.
    assert.doesNotMatch(await world.restic("ls latest /data/db/cluster"), /postmaster\.pid/);
    assert.match(await world.restic("check --read-data 2>&1 && echo sound"), /sound/);
  });

  test("the files of the database start again as they are", async () => {
    await world.restic("restore latest --target /srv/restored");
    await engine.docker(
      "run --detach --name restored --network none --volume /srv/restored/data/db:/var/lib/postgresql/data postgres:17",
    );
    await root(
      "for i in $(seq 100); do docker exec restored pg_isready -q && exit; sleep 0.2; done; docker logs restored >&2; exit 1",
    );
    assert.equal(
      await engine.docker("exec restored psql -U postgres -tAc 'select count(*) from entries'"),
      "1000\n",
    );
    await root("docker rm -f restored; rm -r /srv/restored");
  });

  test("the next one sends what has changed", async () => {
    assert.equal(await world.backUp("ledger"), "success");
    const again = Number(/added=(\d+)/.exec(await last())?.[1]);
    assert.ok(again < 300_000, await last());
    assert.equal((await world.counted()).length, 2);
    await nothingLeft();
  });

  test("no password is in the configuration, in the state, in the log or in an argument", async () => {
    const { output: login } = await engine.on.call("backup_login", "node-a", repositoryPassword);
    for (const secret of ["correct-horse", login.trim()]) {
      assert.equal(
        await root(`grep -rl -e ${secret} /etc/sealift /var/lib/sealift /opt/sealift/backup || true`),
        "",
      );
      assert.equal(await root(`journalctl --no-pager | grep -v sudo | grep -e ${secret} || true`), "");
    }
  });

  test("manual changes are found and repaired", async () => {
    const [, job] = [0, world.steps(app()).find(({ code }) => code === "backup.ledger.job")];
    assert.ok(job);
    await holds(...job.call);
    const breakages: readonly [string, RegExp][] = [
      [`echo stop= >>${conf}`, /ledger\.conf is altered/],
      [`chmod 0644 ${conf}`, /owner and mode root:root 644 instead/],
      [`systemctl disable -q ${unit}.timer`, /disabled, so it would not start at boot/],
      [`systemctl stop ${unit}.timer`, /timer is inactive/],
      [`rm /etc/systemd/system/${unit}.service`, /absent/],
    ];
    for (const [command, finding] of breakages) {
      await root(command);
      await finds(finding, ...job.call);
      await applies(...job.call);
    }
    await root(`echo '# more' >>${script}`);
    await finds(/altered/, "backup_scripts");
    await applies("backup_scripts");
  });
});

describe("a backup that fails", () => {
  test("a dump that ends with another status than 0: its words are reported, with stars for secrets", async () => {
    await root(
      "install -d /run/sealift/secrets/ledger && printf hunter2-PLAIN >/run/sealift/secrets/ledger/p.00000000",
    );
    const before = await last();
    await configure({
      dump: { db: { command: ["sh", "-c", "echo half; echo no access with hunter2-PLAIN >&2; exit 3"] } },
    });
    assert.match(
      await world.backUp("ledger"),
      /^\d+ 8 backup of ledger: the dump of db ended with 3: no access with \*\*\* ?; fix: /,
    );
    assert.equal(await last(), before);
    await nothingLeft();
    const { output } = await engine.on.call("apply_backup_recent", "ledger", "x");
    assert.match(output, /^E_BACKUP backup of ledger: the dump of db ended with 3: .*; fix: correct it/);
    const { output: update } = await engine.on.call("app_back_up", "ledger", "release 1 runs as before");
    assert.match(
      update,
      /^E_BACKUP backup of ledger: the dump of db ended with 3: .*; release 1 runs as before; fix: correct it/,
    );
  });

  test("an empty dump, and one that is cut off", async () => {
    await configure({ dump: { db: { command: ["true"] } } });
    assert.match(await world.backUp("ledger"), / 8 .*the dump of db is empty/);
    await configure();
    await root(`sed -i 's/^ends=.*/ends=never said/' ${conf}`);
    assert.match(await world.backUp("ledger"), / 8 .*the dump of db is not complete/);
    await nothingLeft();
  });

  test("arguments reach the container as they are written, whatever they hold", async () => {
    const words = [
      "a b",
      "",
      "$(reboot)",
      "`x`",
      "'\"",
      "\\n\\0101",
      "line\nend\n",
      "dump=db",
      "tab\t",
      "é",
      "-n",
    ];
    await configure({ dump: { db: { command: ["sh", "-c", 'printf "<%s>" "$@"', ...["x", ...words]] } } });
    assert.equal(await world.backUp("ledger"), "success");
    assert.equal(await world.restic("dump latest dump/db"), words.map((word) => `<${word}>`).join(""));
    await configure();
  });

  test("a store that does not answer, for as long as that lasts; then the next one is whole", async () => {
    await root(`sed -i 's/^ask_sec=.*/ask_sec=5/' ${script}`);
    await root("systemctl stop store || true");
    const before = await last();
    for (const attempt of ["first", "second"])
      assert.match(await world.backUp("ledger"), / 4 .*the store does not answer: .*refused/, attempt);
    assert.equal(await last(), before);
    await nothingLeft();
    await world.serve();
    assert.equal(await world.backUp("ledger"), "success");
    assert.notEqual(await last(), before);
  });

  test("another certificate, another login and another password are distinguished", async () => {
    await root("cp -a /etc/sealift/store /srv/store-before && rm /etc/sealift/store/server.*");
    await engine.on.call("apply_store_certificate", "127.0.0.1");
    await root("systemctl stop store || true");
    await world.serve();
    assert.match(await world.backUp("ledger"), / 4 .*the store shows another certificate/);
    await root("systemctl stop store; cp -a /srv/store-before/server.* /etc/sealift/store/");
    await root("echo other:x >/etc/sealift/store/htpasswd");
    await world.serve();
    assert.match(await world.backUp("ledger"), / 5 .*the store refuses the login of node-a/);
    await root("systemctl stop store; cp -a /srv/store-before/htpasswd /etc/sealift/store/");
    await world.serve();
    // Another password has another login: this store takes any.
    await root(
      `cp -a ${repositoryPassword} /srv/password; chmod u+w ${repositoryPassword}; echo wrong >${repositoryPassword}`,
    );
    assert.match(await world.backUp("ledger"), / 5 /);
    const { output } = await engine.on.call("backup_login", "node-a", repositoryPassword);
    await root(
      `printf '%s\\n' "node-a:{SHA}$(printf %s ${output.trim()} | openssl dgst -sha1 -binary | base64)" >/etc/sealift/store/htpasswd; systemctl stop store`,
    );
    await world.serve();
    assert.match(await world.backUp("ledger"), / 6 .*the password does not open the repository/);
    await root(
      `cp -a /srv/password ${repositoryPassword}; cp -a /srv/store-before/htpasswd /etc/sealift/store/; systemctl stop store`,
    );
    await world.serve();
    await root(`mv ${repositoryPassword} /srv/password`);
    assert.match(await world.backUp("ledger"), / 3 .*not decrypted/);
    await root(`mv /srv/password ${repositoryPassword}`);
    assert.equal(await world.backUp("ledger"), "success");
    await nothingLeft();
  });

  test("a store that has lost the repository is not given a new one in silence", async () => {
    await root(`mv ${storeFolder}/node-a ${storeFolder}/gone`);
    assert.match(await world.backUp("ledger"), / 7 .*no repository of node-a any more/);
    await root(`mv ${storeFolder}/gone ${storeFolder}/node-a`);
    assert.equal(await world.backUp("ledger"), "success");
  });

  test("a full store: reported at once, the service runs again, and with room the next one is whole", async () => {
    const counted = await world.counted();
    await sql("insert into entries select generate_series(1, 100000)");
    await root(`dd if=/dev/zero of=${storeFolder}/full bs=1M 2>/dev/null || true`);
    // Not even stopped.
    const since = await engine.docker("inspect --format '{{.State.StartedAt}}' ledger-db-1");
    assert.match(await world.backUp("ledger"), / 12 .*the store is full/);
    assert.equal(await engine.docker("inspect --format '{{.State.StartedAt}}' ledger-db-1"), since);
    await root(`truncate -s -300K ${storeFolder}/full`);
    const began = Date.now();
    assert.match(await world.backUp("ledger"), / 12 .*the store is full/);
    assert.ok(Date.now() - began < 120_000);
    await root(`rm ${storeFolder}/full`);
    assert.deepEqual(await world.counted(), counted);
    assert.equal(await world.backUp("ledger"), "success");
    assert.equal((await world.counted()).length, counted.length + 1);
    await nothingLeft();
  });
});

/** Where the script is when it ends: a wrapper of restic waits before and after sending. */
const stages: readonly [string, () => Promise<void>, reached: string][] = [
  [
    "dump",
    () => configure({ dump: { db: { command: ["sh", "-c", "echo half; sleep 600"] } } }),
    "test -s /.sealift-backup/ledger/dump/db",
  ],
  [
    "stop",
    () => slowRestic("sleep 600", "true"),
    "test -e /srv/before && test $(docker inspect --format '{{.State.Running}}' ledger-db-1) = false",
  ],
  ["send", () => slowRestic("true", "sleep 600"), "test -e /srv/after"],
];

async function slowRestic(before: string, after: string, job?: Step): Promise<void> {
  await (job === undefined ? configure() : engine.on.run("apply", [job]));
  const real = (await root(`sed -n s/^program=//p ${conf}`)).trim();
  await root("rm -f /srv/before /srv/after");
  const input = `#!/bin/sh
case "$*" in *--json*) touch /srv/before; ${before}; ${real} "$@"; s=$?; touch /srv/after; ${after}; exit $s ;; esac
exec ${real} "$@"
`;
  await engine.on.guest.exec("sudo -n tee /srv/restic >/dev/null && sudo -n chmod 0755 /srv/restic", {
    input,
  });
  await root(`sed -i 's|^program=.*|program=/srv/restic|' ${conf}`);
}

/** How it ends, and what cleans up: the unit itself, or what runs at boot. */
const ends: readonly [string, start: string, end: string, then: string][] = [
  [
    "kill -9 of the unit",
    `systemctl start --no-block ${unit}`,
    `systemctl kill --signal KILL ${unit}`,
    "true",
  ],
  [
    "kill -9 of the script alone",
    `systemctl start --no-block ${unit}`,
    `kill -9 $(systemctl show --value -p MainPID ${unit})`,
    "true",
  ],
  ["systemctl stop", `systemctl start --no-block ${unit}`, `systemctl stop ${unit}`, "true"],
  [
    "a power cut",
    `systemd-run --quiet --unit by-hand sh ${script} ledger`,
    "systemctl kill --signal KILL by-hand; systemctl reset-failed by-hand || true",
    "systemctl start sealift-clean-backups",
  ],
];

for (const [stage, prepare, reached] of stages)
  describe(`a backup that ends in the stage ${stage}`, () => {
    for (const [name, start, end, then] of ends)
      test(`by ${name}: nothing is left, it does not count, and the next one is whole`, async () => {
        await configure();
        const counted = await world.counted();
        const before = await last();
        await prepare();
        await root(start);
        await until(reached);
        await root(end);
        await until(`systemctl show --value -p ActiveState ${unit} | grep -q -e ^failed -e ^inactive`);
        await root(then);
        await until(
          `test ! -e ${state}/left && systemctl show --value -p ActiveState sealift-clean-backups | grep -q -e ^failed -e ^inactive`,
        );
        await nothingLeft();
        assert.equal(await last(), before);
        assert.match(await root(`cat ${state}/failed`), /^\d+ 17 backup of ledger: it was (killed|stopped)/);
        assert.deepEqual(await world.counted(), counted);
        await configure();
        assert.equal(await world.backUp("ledger"), "success");
        assert.equal((await world.counted()).length, counted.length + 1);
        await nothingLeft();
      });
  });

test("a backup that takes longer than its unit allows says so", async () => {
  await slowRestic("sleep 600", "true");
  await root(
    `sed -i s/^TimeoutStartSec=.*/TimeoutStartSec=4/ /etc/systemd/system/${unit}.service && systemctl daemon-reload`,
  );
  assert.match(
    await world.backUp("ledger"),
    /^\d+ 17 backup of ledger: it took longer than its unit allows; /,
  );
  await configure();
  await nothingLeft();
});

test("a backup does not start what a restore has stopped", async () => {
  const id = (await engine.docker("inspect --format '{{.Id}}' ledger-db-1")).trim();
  await engine.docker("stop ledger-db-1");
  await root(`printf 'step=aside\\nstopped=yes\\n' >${state}/restore; echo stopped=${id} >${state}/left`);
  assert.match(await world.backUp("ledger"), / 14 .*a restore has begun/);
  assert.equal((await engine.docker("inspect --format '{{.State.Running}}' ledger-db-1")).trim(), "false");
  // Undone before it has stopped anything.
  await root(`echo step=undone >${state}/restore; echo stopped=${id} >${state}/left`);
  assert.equal(await world.backUp("ledger"), "success");
  await root(`rm ${state}/restore`);
  await nothingLeft();
});

describe("data that is new here, while the store has backups", () => {
  const recent = (): readonly Step[] =>
    world.steps(app()).filter(({ code }) => code === "backup.ledger.recent");
  const startedAt = (): Promise<string> =>
    engine.docker("inspect --format '{{.State.StartedAt}}' ledger-db-1");

  test("on a host that was made again: nothing is backed up and nothing stops; all else is made, with a warning", async () => {
    const counted = await world.counted();
    const since = await startedAt();
    const found = JSON.parse(await world.restic("snapshots --json --tag app=ledger")) as {
      readonly id: string;
      readonly time: string;
    }[];
    const newest = found.find(({ id }) => id === counted.at(-1))?.time ?? assert.fail();
    const time = `${new Date(newest).toISOString().slice(0, 19)}Z`;
    await root("mv /var/lib/sealift/backup /srv/backup-state");
    const made = await engine.on.run("apply", world.steps(app()));
    assert.ok(made.revision, made.text);
    const [warned, ...others] = made.steps.filter(({ status }) => status === "warn");
    assert.deepEqual(others, []);
    assert.equal(warned?.code, "backup.ledger.recent");
    assert.equal(
      warned.found,
      `E_BACKUP backup of ledger: the store has backups of ledger up to ${time}, and this host has made none: it was made again; fix: sealift restore ENV ledger --from ${time}; to keep the present data instead: sudo sh /opt/sealift/backup/backup --adopt ledger`,
    );
    assert.deepEqual(await world.counted(), counted);
    assert.equal(await startedAt(), since);
    const [, next] = [await world.backUp("ledger"), await engine.on.run("check", recent())];
    assert.deepEqual(
      next.steps.map(({ status }) => status),
      ["warn"],
    );
    await nothingLeft();
  });

  test("adopted, it is backed up by the next run, and there is nothing to report", async () => {
    const counted = await world.counted();
    // What a restore leaves: the next run has nothing to do.
    await root(`mv ${state}/failed /srv/failed && echo step=done >${state}/restore`);
    await holds(...(recent()[0]?.call ?? assert.fail()));
    await root(`mv /srv/failed ${state}/failed && rm ${state}/restore`);
    await root(`sh ${script} --adopt ledger`);
    const made = await engine.on.run("apply", recent());
    assert.deepEqual(
      made.steps.map(({ status }) => status),
      ["changed"],
    );
    assert.equal((await world.counted()).length, counted.length + 1);
    await nothingLeft();
  });

  test("a folder that was replaced is refused, and the earlier one is known when it is back", async () => {
    await engine.docker("stop ledger-db-1");
    await root(`mv ${folder} ${folder}.kept && cp -a ${folder}.kept ${folder}`);
    assert.match(
      await world.backUp("ledger"),
      / 16 backup of ledger: the store has backups of ledger up to \S+Z, and the folder of db is not the one that was .*--from [0-9a-f]{8};/,
    );
    const { steps } = await engine.on.run("check", recent());
    assert.equal(steps[0]?.status, "warn");
    await root(`rm -r ${folder} && mv ${folder}.kept ${folder}`);
    assert.match(await world.backUp("ledger"), /success| 8 /);
    await engine.docker("start ledger-db-1");
    await ready();
    assert.equal(await world.backUp("ledger"), "success");
    await nothingLeft();
  });
});

test("a second backup of the same application does not begin while one runs", async () => {
  await slowRestic("sleep 600", "true");
  await root(`systemctl start --no-block ${unit}`);
  await until("test -e /srv/before");
  await root(`sed -i 's/lock 30/lock 1/' ${script}`);
  const { exitCode, stderr } = await engine.on.guest.exec(`sudo -n sh ${script} ledger`);
  assert.equal(exitCode, 75);
  assert.match(stderr, /a backup of ledger is running/);
  await root(`sh ${script} --clean`);
  assert.equal((await engine.docker("inspect --format '{{.State.Running}}' ledger-db-1")).trim(), "false");
  await root(`systemctl stop ${unit}`);
  await configure();
  await nothingLeft();
});

test("a service that is started while its files are read: the backup does not count", async () => {
  const counted = await world.counted();
  await slowRestic("docker start ledger-db-1", "true");
  assert.match(await world.backUp("ledger"), / 13 .*was started while its files were read/);
  assert.deepEqual(await world.counted(), counted);
  await configure();
  await nothingLeft();
});

test("another service that writes to the data stops as well, and one that starts meanwhile is seen", async () => {
  const labels = ["project=ledger", "service=worker", "oneoff=False"].map(
    (one) => `--label com.docker.compose.${one}`,
  );
  await engine.docker(
    `run --detach --init --name ledger-worker-1 --network none ${labels.join(" ")} --volume ${folder}:/state --entrypoint sh postgres:17 -c "while sleep 0.1; do date >>/state/worker; done"`,
  );
  const mounts = [{ target: "/state", volume: "db" }];
  const services = ["db", "worker"].map((name) => ({
    ...{ name, image: "docker.io/library/postgres:17", config: "c1".repeat(8), mounts },
  }));
  const release = { ...exampleApp, name: "ledger", project: { file: "compose.yaml", services } };
  const job = world
    .steps(app({ dump: {} }), undefined, [release])
    .find(({ code }) => code === "backup.ledger.job");
  assert.ok(job);
  const { revision, text } = await engine.on.run("apply", [job]);
  assert.ok(revision, text);
  const running = (): Promise<string> =>
    engine.docker("inspect --format '{{.State.Running}} {{.State.StartedAt}}' ledger-worker-1");
  const before = await running();
  assert.equal(await world.backUp("ledger"), "success");
  const after = await running();
  assert.match(after, /^true /);
  assert.notEqual(after, before);
  await slowRestic("docker start ledger-worker-1", "true", job);
  assert.match(await world.backUp("ledger"), / 13 .*writes to the data was started while/);
  await engine.docker("rm --force ledger-worker-1");
  await configure();
  await nothingLeft();
});

test("a mount in the data: nothing stops, and the backup does not count", async () => {
  const since = await engine.docker("inspect --format '{{.State.StartedAt}}' ledger-db-1");
  await root(`mkdir '${folder}/w al' && mount -t tmpfs tmpfs '${folder}/w al'`);
  assert.match(await world.backUp("ledger"), / 11 .*ledger-db\/w\\040al is a mount of its own/);
  assert.equal(await engine.docker("inspect --format '{{.State.StartedAt}}' ledger-db-1"), since);
  await root(`umount '${folder}/w al' && rmdir '${folder}/w al'`);
  assert.equal(await world.backUp("ledger"), "success");
  await nothingLeft();
});

test("a service that was not running before does not run after", async () => {
  await configure({ dump: {} });
  // The inspection waits until the engine's list of containers says so, too.
  await root("docker stop ledger-db-1 && docker inspect ledger-db-1");
  assert.equal(await world.backUp("ledger"), "success");
  assert.match(await last(), /^stopped=0$/m);
  assert.equal((await engine.docker("inspect --format '{{.State.Running}}' ledger-db-1")).trim(), "false");
  await engine.docker("start ledger-db-1");
  await ready();
});

test("an age, a clock and another store are seen", async () => {
  const url = (await root(`sed -n s/^url=//p ${conf}`)).trim();
  await holds("backup_recent", "ledger", url);
  await finds(/at another store/, "backup_recent", "ledger", "rest:https://10.0.0.9:8000/node-a/");
  await root(`cp ${state}/last /srv/last; sed -i "s/^time=.*/time=$(($(date +%s) - 140000))/" ${state}/last`);
  await finds("the last good backup of ledger is 38 hours old", "backup_recent", "ledger", url);
  await root(`sed -i "s/^time=.*/time=$(($(date +%s) + 86400))/" ${state}/last`);
  await finds(/in the future: the clock was wrong/, "backup_recent", "ledger", url);
  await root(`cp /srv/last ${state}/last`);
  await finds("absent: there is no backup of other yet", "backup_recent", "other", url);
});

test("an application that is no longer backed up has no timer any more", async () => {
  await finds("still backed up: ledger", "backup_others", "shop");
  await applies("backup_others", "shop");
  assert.equal(await root(`ls /etc/systemd/system/${unit}* ${conf} 2>/dev/null || true`), "");
  assert.notEqual(await last(), "");
});

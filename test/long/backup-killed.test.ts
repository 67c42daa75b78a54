/**
 * Backups that are killed with -9, or end with a power cut, in each of their stages, many times each. Nothing is left, what was stopped
 * runs, what has not ended does not count, and the next backup is whole. A stage is reached when a program of the script waits in it. The
 * stage of a snapshot needs LVM: test/guest/backup-snapshot.test.ts.
 */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { repositoryPassword, storeFolder } from "../support/guests/backup-in-guest.ts";
import {
  ledgerApp,
  ledgerFolder,
  type LedgerInGuest,
  startLedger,
} from "../support/guests/ledger-in-guest.ts";
import { undoAfter } from "../support/process/undo.ts";

const kills = Number(process.env["SEALIFT_KILLS"] ?? "3");
const cuts = Number(process.env["SEALIFT_CUTS"] ?? "3");
const unit = "sealift-backup-ledger";
const state = "/var/lib/sealift/backup/ledger";
const conf = "/etc/sealift/backup/apps/ledger.conf";
const script = "/opt/sealift/backup/backup";
const undo = undoAfter();
let ledger: LedgerInGuest;
const root = (command: string): Promise<string> => ledger.engine.on.root(command);

async function lines(input: string): Promise<string> {
  const { exitCode, stdout, stderr } = await ledger.engine.on.guest.exec("sudo -n sh -s", { input });
  assert.equal(exitCode, 0, `${input}: ${stderr}`);
  return stdout;
}

before(async () => {
  ledger = await startLedger("backup-killed", undo, "--restart unless-stopped");
  // A store that survives a power cut.
  await lines("systemctl stop store; umount /run/store; mkdir -p /docker/store");
  await serve();
  const { revision, text } = await ledger.engine.on.run(
    "apply",
    ledger.world.steps(ledgerApp()).filter(({ code }) => !code.endsWith(".recent")),
  );
  assert.ok(revision, text);
  assert.equal(await ledger.world.backUp("ledger"), "success");
});

async function serve(): Promise<void> {
  await lines(`mkdir -p ${storeFolder} && mount --bind /docker/store ${storeFolder}`);
  await ledger.world.serve();
}

interface Stage {
  readonly name: string;
  /** The program that waits, where the script finds it; and which words of it. */
  readonly program: string;
  readonly words: string;
  /** What it does before it waits. */
  readonly first: string;
  /** The backup has ended well: only traces are left. */
  readonly counts?: true;
}

const real = 'exec_real "$@"';
/** In the order of a backup. */
const stages: readonly Stage[] = [
  { name: "dump", program: "docker", words: "exec *", first: `${real} | head -c 2000` },
  { name: "stop", program: "docker", words: "stop *", first: real },
  { name: "mount", program: "mount", words: "*/tree/data/*", first: real },
  {
    name: "send, with a part in the store",
    program: "restic",
    words: "*--json*",
    first: `${real} & until find ${storeFolder}/node-a/data -type f -newer /run/hold | grep -q .; do sleep 0.02; done; kill -STOP $!`,
  },
  { name: "send, with all in the store", program: "restic", words: "*--json*", first: real },
  { name: "removal", program: "docker", words: "start *", first: "true" },
  { name: "end", program: "rm", words: `*${state}/begun ${state}/failed*`, first: "true", counts: true },
];

/** Puts programs before the real ones: each waits for ever in its stage, as long as /run/hold is there when it begins: a
 * power cut removes it. */
async function hold({ program, words, first }: Stage): Promise<void> {
  await ledger.configure();
  const key = { docker: "docker", restic: "program" }[program];
  const path =
    key === undefined ? `/usr/bin/${program}` : (await root(`sed -n s/^${key}=//p ${conf}`)).trim();
  const place = key === undefined ? `/usr/local/sbin/${program}` : `/srv/held-${program}`;
  await lines(`cat >${place} <<'HELD'
#!/bin/sh
exec_real() { ${path} "$@"; }
case "$*" in
  ${words.replaceAll(" ", "\\ ")}) if [ -e /run/hold ]; then ${first}; touch /run/reached; exec sleep 600; fi ;;
esac
exec ${path} "$@"
HELD
chmod 0755 ${place}
rm -f /run/reached
head -c 40000000 /dev/urandom >${ledgerFolder}/entropy
touch /run/hold
${key === undefined ? ":" : `sed -i 's|^${key}=.*|${key}=${place}|' ${conf}`}`);
}

async function release(): Promise<void> {
  await lines("rm -f /run/hold /usr/local/sbin/mount /usr/local/sbin/rm");
}

const last = (): Promise<string> => root(`cat ${state}/last`);

/** Nothing of a backup is left, and the service runs. */
async function nothingLeft(): Promise<void> {
  await ledger.until(`test ! -e ${state}/left`);
  const run = "/run/sealift/backup/ledger";
  assert.equal(await root(`grep ${run} /proc/[0-9]*/mountinfo || true`), "");
  assert.equal(await root(`ls -A ${run} 2>/dev/null | grep -v ^lock$ || true`), "");
  assert.equal(await root("ls -A /.sealift-backup 2>/dev/null || true"), "");
  await ledger.until("docker inspect --format '{{.State.Running}}' ledger-db-1 | grep -qx true");
  await ledger.ready();
}

/** What the store has counts as many backups as before, or one more; and the next one is whole. */
async function nextIsWhole(stage: Stage, before: string, counted: readonly string[]): Promise<void> {
  await ledger.configure();
  if (stage.counts === true) assert.notEqual(await last(), before);
  else assert.equal(await last(), before);
  assert.equal(await ledger.world.backUp("ledger"), "success");
  await nothingLeft();
  assert.equal(await root(`ls ${state} | grep -v -e ^last$ -e ^folders$ || true`), "");
  const now = await ledger.world.counted();
  assert.deepEqual(now.filter((id) => counted.includes(id)).toSorted(), counted.toSorted());
  assert.equal(now.length, counted.length + (stage.counts === true ? 2 : 1));
  const id = /^snapshot=(.*)$/m.exec(await last())?.[1] ?? "";
  assert.equal(await ledger.world.restic(`dump ${id} data/db/cluster/PG_VERSION`), "17\n");
  assert.match(await ledger.world.restic(`dump ${id} dump/db`), /PostgreSQL database cluster dump complete/);
}

for (const stage of stages)
  describe(`in the stage ${stage.name}`, () => {
    test(`${kills} times killed with -9`, async (t) => {
      for (let at = 0; at < kills; at += 1) {
        const before = await last();
        const counted = await ledger.world.counted();
        await hold(stage);
        await root(`systemctl start --no-block ${unit}`);
        await ledger.until("test -e /run/reached");
        await release();
        // Of the script alone, or of all that it has started.
        await root(
          at % 2 === 0
            ? `kill -9 $(systemctl show --value -p MainPID ${unit})`
            : `systemctl kill --signal KILL ${unit}`,
        );
        const units = `${unit} sealift-clean-backups`;
        await ledger.until(
          `! systemctl show --value -p ActiveState ${units} | grep -q -e activating -e reloading`,
        );
        await nothingLeft();
        await nextIsWhole(stage, before, counted);
      }
      t.diagnostic(`${kills} of ${kills}: nothing left, the next one whole`);
    });

    test(`${cuts} times a power cut`, async (t) => {
      for (let at = 0; at < cuts; at += 1) {
        const before = await last();
        const counted = await ledger.world.counted();
        await hold(stage);
        await root("sync");
        await root(`systemctl start --no-block ${unit}`);
        await ledger.until("test -e /run/reached");
        await ledger.engine.on.cutPower();
        await lines("systemctl is-system-running --wait || true");
        // The boot alone removes what is left: neither password nor store are there.
        await nothingLeft();
        await release();
        await lines(
          `install -d -m 0700 ${repositoryPassword.replace(/\/[^/]*$/, "")}; echo correct-horse >${repositoryPassword}; chmod 0400 ${repositoryPassword}`,
        );
        await serve();
        // In a container it lies on an overlay file system, where inodes have other numbers after a boot.
        await root(`sh ${script} --adopt ledger`);
        await nextIsWhole(stage, before, counted);
      }
      t.diagnostic(`${cuts} of ${cuts}: nothing left after the boot, the next one whole`);
    });
  });

test("the repository is whole in the end", async () => {
  assert.match(await ledger.world.restic("check --read-data 2>&1 && echo sound"), /sound/);
  assert.match(await ledger.sql("select count(*) from entries"), /^1000$/m);
  assert.equal(await root(`test -e ${script} && docker ps --quiet | wc -l`), "1\n");
});

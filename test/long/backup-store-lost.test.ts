/**
 * A store that is gone for three days, or swallows every packet, before and while a backup is sent: the service is not down for longer than
 * it has to be, everything is said, nothing is left, and the next backup is whole. Full stores, wrong passwords and certificates are in
 * test/guest/backup-client.test.ts; damaged repositories and impossible times in test/guest/backup-store.test.ts.
 */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import {
  ledgerApp,
  type LedgerInGuest,
  ledgerFolder,
  startLedger,
} from "../support/guests/ledger-in-guest.ts";
import { undoAfter } from "../support/process/undo.ts";

const state = "/var/lib/sealift/backup/ledger";
const conf = "/etc/sealift/backup/apps/ledger.conf";
const undo = undoAfter();
let ledger: LedgerInGuest;
const root = (command: string): Promise<string> => ledger.engine.on.root(command);
const startedAt = (): Promise<string> =>
  ledger.engine.docker("inspect --format '{{.State.Running}} {{.State.StartedAt}}' ledger-db-1");

before(async () => {
  ledger = await startLedger("backup-store-lost", undo);
  const { revision, text } = await ledger.engine.on.run("apply", ledger.world.steps(ledgerApp()));
  assert.ok(revision, text);
});

/** So many hours pass for what a host remembers of its last backup. */
async function pass(hours: number): Promise<void> {
  await root(
    `before=$(sed -n s/^time=//p ${state}/last); sed -i "s/^time=.*/time=$((before - ${hours * 3600}))/" ${state}/last`,
  );
}

async function found(): Promise<readonly string[]> {
  const steps = ledger.world.steps(ledgerApp());
  const report = await ledger.engine.on.run("check", steps);
  return report.steps.filter(({ status }) => status !== "ok").map((one) => `${one.code}: ${one.found}`);
}

async function nothingLeft(): Promise<void> {
  await ledger.until(`test ! -e ${state}/left`);
  assert.equal(await root("grep /run/sealift/backup/ledger /proc/[0-9]*/mountinfo || true"), "");
  assert.equal(await root("ls -A /.sealift-backup 2>/dev/null || true"), "");
  await ledger.ready();
}

/** Packets to the store and from it are gone without an answer; what flows back is counted by nobody. */
const drop = "iptables -I INPUT -i lo -p tcp --dport 8000 -j DROP";
const undrop = "iptables -D INPUT -i lo -p tcp --dport 8000 -j DROP";

describe("a store that is gone", () => {
  test("for three days: each day a failure that says so, the service never stops, and the age is a finding", async () => {
    const counted = await ledger.world.counted();
    const since = await startedAt();
    await root("systemctl stop store");
    const ages: string[] = [];
    for (let day = 1; day <= 3; day += 1) {
      await pass(24);
      assert.match(
        await ledger.world.backUp("ledger"),
        /^\d+ 4 .*the store does not answer: .*; fix: see that the host/,
      );
      const [finding = "", ...others] = await found();
      assert.deepEqual(others, []);
      ages.push(finding);
      await nothingLeft();
    }
    assert.deepEqual(ages.slice(1), [
      "backup.ledger.recent: the last good backup of ledger is 48 hours old",
      "backup.ledger.recent: the last good backup of ledger is 72 hours old",
    ]);
    assert.equal(await startedAt(), since);
    await ledger.world.serve();
    const { revision, text } = await ledger.engine.on.run("apply", ledger.world.steps(ledgerApp()));
    assert.ok(revision, text);
    assert.deepEqual(await found(), []);
    assert.equal((await ledger.world.counted()).length, counted.length + 1);
    assert.equal(await root(`test ! -e ${state}/failed && echo none`), "none\n");
  });

  test("without an answer of any kind: it is given up before anything stops", async (t) => {
    const since = await startedAt();
    await root(drop);
    const began = Date.now();
    assert.match(await ledger.world.backUp("ledger"), /^\d+ 4 .*the store does not answer/);
    const seconds = (Date.now() - began) / 1000;
    t.diagnostic(`given up after ${seconds.toFixed(0)} s`);
    assert.ok(seconds < 300, String(seconds));
    assert.equal(await startedAt(), since);
    await root(undrop);
    await nothingLeft();
    assert.equal(await ledger.world.backUp("ledger"), "success");
  });

  for (const [how, lose, back] of [
    ["refuses", "systemctl stop store", "serve"],
    ["swallows every packet", drop, "undrop"],
  ] as const)
    test(`that ${how} while the service is stopped: it runs again soon, and the backup does not count`, async (t) => {
      const counted = await ledger.world.counted();
      await root(`head -c 10000000 /dev/urandom >${ledgerFolder}/entropy`);
      const program = (await root(`sed -n s/^program=//p ${conf}`)).trim();
      const wrapper = `#!/bin/sh
case "$*" in *--json*) if [ -e /srv/lose ]; then rm /srv/lose; ${lose}; fi ;; esac
exec ${program} "$@"
`;
      await ledger.engine.on.guest.exec(
        "sudo -n sh -c 'cat >/srv/restic; chmod 0755 /srv/restic; touch /srv/lose'",
        {
          input: wrapper,
        },
      );
      await root(`sed -i 's|^program=.*|program=/srv/restic|' ${conf}`);
      const said = await ledger.world.backUp("ledger");
      const format = "{{.State.FinishedAt}} {{.State.StartedAt}}";
      const times = (await ledger.engine.docker(`inspect --format '${format}' ledger-db-1`))
        .trim()
        .split(" ");
      const [stopped = NaN, started = NaN] = times.map((time) => Date.parse(time));
      const seconds = (started - stopped) / 1000;
      t.diagnostic(`the service was stopped for ${seconds.toFixed(0)} s: ${said.trim()}`);
      assert.match(said, /^\d+ 12 backup of ledger: restic ended with \d+: .*; fix: /);
      await ledger.ready();
      assert.ok(seconds < 240, String(seconds));
      if (back === "serve") await ledger.world.serve();
      else await root(undrop);
      await nothingLeft();
      assert.deepEqual(await ledger.world.counted(), counted);
      await ledger.configure();
      assert.equal(await ledger.world.backUp("ledger"), "success");
      assert.equal((await ledger.world.counted()).length, counted.length + 1);
      await nothingLeft();
    });
});

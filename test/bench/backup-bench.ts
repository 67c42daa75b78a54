/**
 * `npm run bench -- backup [<GB>]`: ten backups of a folder of which 2 % change in between, by Sealift to a store with TLS, by restic alone to
 * a folder, and by `tar | zstd`, in turn, on one machine. The figures are this machine's; compare the ratios.
 */
import assert from "node:assert/strict";
import { loadavg } from "node:os";
import {
  ledgerApp,
  ledgerFolder,
  startLedger,
  type LedgerInGuest,
} from "../support/guests/ledger-in-guest.ts";
import { storeFolder } from "../support/guests/backup-in-guest.ts";
import { table } from "../support/process/table.ts";
import { inSeconds, megabytes, times } from "./figures.ts";

interface Round {
  readonly seconds: number;
  /** What it has added to the disk. */
  readonly bytes: number;
  /** How long the service was stopped. */
  readonly stopped?: number;
}

const rounds = 10;
const shown = [1, 2, 10];
const files = 100;

export async function backupBench([size = "0.5"]: readonly string[]): Promise<void> {
  const megabytesOfFile = Math.round((Number(size) * 1000) / files);
  const undos: (() => unknown)[] = [];
  try {
    const ledger = await startLedger("bench-backup", (undo) => undos.push(undo));
    await prepare(ledger, megabytesOfFile);
    const all: Record<string, Round[]> = { Sealift: [], restic: [], "tar | zstd": [] };
    for (let round = 1; round <= rounds; round++) {
      if (round > 1) await change(ledger, megabytesOfFile, round);
      // Who comes first reads what is not in memory yet.
      const work = Object.entries({ Sealift: bySealift, restic: byRestic, "tar | zstd": byTar });
      for (let at = 0; at < work.length; at++) {
        const [name, one] = work[(at + round) % work.length] ?? [];
        assert.ok(name !== undefined && one !== undefined);
        all[name]?.push(await one(ledger));
      }
    }
    console.log(`\nBackups of ${size} GB in ${files} files, 2 % changed in between, to the same disk:\n`);
    console.log(`Machine: ${ledger.engine.on.guest.kind}; load average ${(loadavg()[0] ?? 0).toFixed(1)}\n`);
    console.log(`${rows(all)}\n`);
  } finally {
    for (const undo of undos.toReversed()) await undo();
  }
}

function rows(all: Readonly<Record<string, readonly Round[]>>): string {
  const cells = shown.flatMap((round) => {
    const own = all["Sealift"]?.[round - 1];
    return Object.entries(all).map(([name, measured]) => {
      const one = measured[round - 1];
      assert.ok(own !== undefined && one !== undefined);
      return [
        String(round),
        name,
        inSeconds(one),
        times(one.seconds / own.seconds),
        megabytes(one.bytes),
        times(one.bytes / own.bytes),
        one.stopped === undefined ? "" : `${(one.stopped / 1000).toFixed(2)} s`,
      ];
    });
  });
  return table([["backup", "by", "time", "of Sealift's", "bytes", "of Sealift's", "stopped"], ...cells]);
}

/** Half of each file can be compressed. */
async function prepare(ledger: LedgerInGuest, size: number): Promise<void> {
  await lines(
    ledger,
    `systemctl stop store; umount ${storeFolder}; mkdir -p /docker/store /docker/plain ${storeFolder} ${ledgerFolder}/files
mount --bind /docker/store ${storeFolder}
echo plain >/srv/plain-password
for i in $(seq ${files}); do { head -c ${size * 500_000} /dev/urandom; head -c ${size * 500_000} /dev/zero | tr '\\0' "$i"; } >${ledgerFolder}/files/$i; done
sync`,
  );
  await ledger.world.serve();
  const { revision, text } = await ledger.engine.on.run(
    "apply",
    ledger.world.steps(ledgerApp({ dump: {} })).filter(({ code }) => !code.endsWith(".recent")),
  );
  assert.ok(revision, text);
  await lines(ledger, `${plainRestic} init`);
}

/** Two percent of the bytes, a piece in each file. */
async function change(ledger: LedgerInGuest, size: number, round: number): Promise<void> {
  const piece = Math.round(size * 1_000_000 * 0.02);
  const at = Math.round(((round * 0.045) % 0.45) * size * 1000);
  await lines(
    ledger,
    `for i in $(seq ${files}); do head -c ${piece} /dev/urandom | dd of=${ledgerFolder}/files/$i bs=1000 seek=${at} iflag=fullblock conv=notrunc status=none; done; sync`,
  );
}

async function bySealift(ledger: LedgerInGuest): Promise<Round> {
  const { seconds, bytes } = await timed(ledger, storeFolder, "systemctl start sealift-backup-ledger");
  const stopped = await ledger.engine.on.root("sed -n s/^stopped=//p /var/lib/sealift/backup/ledger/last");
  return { seconds, bytes, stopped: Number(stopped) };
}

const plainRestic =
  "RESTIC_PASSWORD_FILE=/srv/plain-password RESTIC_REPOSITORY=/docker/plain RESTIC_CACHE_DIR=/docker/cache /opt/sealift/restic/*/restic --quiet";

function byRestic(ledger: LedgerInGuest): Promise<Round> {
  return timed(ledger, "/docker/plain", `${plainRestic} backup ${ledgerFolder}`);
}

function byTar(ledger: LedgerInGuest): Promise<Round> {
  const words = `mkdir -p /docker/tar; rm -f /docker/tar/*; tar -C ${ledgerFolder} -cf - . 2>/dev/null | zstd -q -T0 >/docker/tar/$(date +%s%N).tar.zst; sync`;
  return timed(ledger, "/docker/tar", words);
}

/** What a command line takes, and adds to a folder. */
async function timed(ledger: LedgerInGuest, folder: string, words: string): Promise<Round> {
  const bytes = `du -sb --apparent-size ${folder} 2>/dev/null | cut -f 1`;
  const text = await lines(
    ledger,
    `before=$(${bytes}); case ${folder} in */tar) before=0 ;; esac
began=$(date +%s%3N)
{ ${words}; } >/dev/null || exit 1
ended=$(date +%s%3N)
echo $((ended - began)) $(($(${bytes}) - \${before:-0}))`,
  );
  const [milliseconds = NaN, added = NaN] = text.trim().split(" ").map(Number);
  return { seconds: milliseconds / 1000, bytes: added };
}

async function lines(ledger: LedgerInGuest, input: string): Promise<string> {
  const { exitCode, stdout, stderr } = await ledger.engine.on.guest.exec("sudo -n sh -s", { input });
  assert.equal(exitCode, 0, `${input}: ${stderr}`);
  return stdout;
}

/** An application with one service, PostgreSQL, in a guest with an engine and a store of backups: its container is made by hand. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AppBackupSpec, AppSpec } from "../../../modules/core/site/site-spec.ts";
import { appImages } from "../../lab/images/app-images.ts";
import { writeLayoutArchive } from "../../lab/images/layout-archive.ts";
import { type BackupInGuest, startBackups } from "./backup-in-guest.ts";
import { type EngineInGuest, startEngine } from "./engine-in-guest.ts";

/** Where its data lies. */
export const ledgerFolder = "/srv/ledger-db";

export interface LedgerInGuest {
  readonly engine: EngineInGuest;
  readonly world: BackupInGuest;
  /** Waits until the database answers. */
  readonly ready: () => Promise<void>;
  readonly sql: (text: string) => Promise<string>;
  /** The job with this backup, whatever it was before. */
  readonly configure: (backup?: Partial<AppBackupSpec>) => Promise<void>;
  /** Waits until a command ends with 0. */
  readonly until: (command: string) => Promise<void>;
}

/** @param undo of the suite. @param options of `docker run`. */
export async function startLedger(
  name: string,
  undo: (undo: () => unknown) => void,
  options = "",
): Promise<LedgerInGuest> {
  const images = await mkdtemp(join(tmpdir(), "sealift-backup-"));
  undo(() => rm(images, { recursive: true }));
  const engine = await startEngine(name);
  undo(() => engine.end());
  const { root } = engine.on;
  const { revision, text } = await engine.on.run("apply", engine.daemon());
  assert.ok(revision, text);
  await writeLayoutArchive(await appImages(), join(images, "images.tar"));
  const input = await readFile(join(images, "images.tar"));
  const loaded = await engine.on.guest.exec("sudo -n docker load", { input });
  assert.equal(loaded.exitCode, 0, loaded.stderr);
  const world = await startBackups(engine.on);
  const labels = ["project=ledger", "service=db", "oneoff=False"].map(
    (one) => `--label com.docker.compose.${one}`,
  );
  const until = async (command: string): Promise<void> => {
    const waits = `for i in $(seq 300); do if ${command}; then exit 0; fi; sleep 0.1; done; journalctl -n 30 -u 'sealift-*' >&2; exit 1`;
    const { exitCode, stderr } = await engine.on.guest.exec("sudo -n sh -s", { input: waits });
    assert.equal(exitCode, 0, `${command}: ${stderr}`);
  };
  const ledger: LedgerInGuest = {
    engine,
    world,
    ready: () => until("docker exec ledger-db-1 pg_isready -q 2>/dev/null"),
    sql: (words) =>
      engine.docker(
        `exec ledger-db-1 psql --username postgres --tuples-only --no-align --command '${words}'`,
      ),
    configure: async (backup = {}) => {
      const job = world.steps(ledgerApp(backup)).filter(({ code }) => code === "backup.ledger.job");
      const made = await engine.on.run("apply", job);
      assert.ok(made.revision, made.text);
    },
    until,
  };
  await root(`install -d -o 999 -g 999 ${ledgerFolder}`);
  await engine.docker(
    `run --detach ${options} --name ledger-db-1 --network none ${labels.join(" ")} --env POSTGRES_PASSWORD=x --volume ${ledgerFolder}:/var/lib/postgresql/data postgres:17`,
  );
  await ledger.ready();
  await ledger.sql("create table entries (n int)");
  await ledger.sql("insert into entries select generate_series(1, 1000)");
  return ledger;
}

/** It stops for its backups, unless they say otherwise. */
export function ledgerApp(backup: Partial<AppBackupSpec> = {}): AppSpec {
  return {
    ...{ name: "ledger", version: "1.0.0", keep: 2, data: { db: { path: ledgerFolder } } },
    backup: { at: "02:30", stop: true, dump: { db: { engine: "postgresql" } }, ...backup },
    update: { order: "stop-first", monitor: 30, failure_action: "rollback", timeout: 300 },
  };
}

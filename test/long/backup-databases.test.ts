/**
 * PostgreSQL, MariaDB and Redis, each with a writer that commits one row after the other as fast as it can, through many backups by the
 * script that a host has: a row number, its checksum, and a total in the same transaction. Of every tenth backup, of the first and of the
 * last a restore is rehearsed, into empty databases; the last is restored for real. Each has to have all rows that were committed before
 * the backup began, without a gap, with right checksums.
 */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import type { AppSpec } from "../../modules/core/site/site-spec.ts";
import { dataLines } from "../../modules/backup/restore-steps.ts";
import {
  type BackedUpApp,
  notes,
  release,
  restic,
  startBackedUpApp,
} from "../support/guests/backed-up-app.ts";
import {
  type BackupInGuest,
  host,
  repositoryPassword,
  startBackups,
  storeFolder,
} from "../support/guests/backup-in-guest.ts";
import { shellFacts } from "../support/guests/shell-facts.ts";
import { undoAfter } from "../support/process/undo.ts";

const backups = Number(process.env["SEALIFT_BACKUPS"] ?? "10");
const scratch = "/srv/rehearsal/notes";
const rehearsed = "/svc/apps/rehearsed/notes";
/** A password that no shell and no SQL may take apart. */
const password = 'it\'s \\"$HOME\\" `x`';

const bound = (folder: string, target: string): string =>
  `{ type: bind, source: "\${DATA:-/data}/${folder}", target: ${target}, bind: { create_host_path: false } }`;
/** Only MariaDB says by itself when it is ready. */
const compose = `
name: notes
services:
  database:
    image: docker.io/library/postgres:17
    restart: unless-stopped
    environment: { POSTGRES_USER: notes, POSTGRES_PASSWORD: hunter2hunter2 }
    volumes: [${bound("notes-database", "/var/lib/postgresql/data")}]
  books:
    image: docker.io/library/mariadb:11.8
    restart: unless-stopped
    environment: { MARIADB_ROOT_PASSWORD_FILE: /run/secrets/books, MARIADB_DATABASE: books, MARIADB_USER: reader, MARIADB_PASSWORD: hunter2hunter2 }
    secrets: [books]
    volumes: [${bound("notes-books", "/var/lib/mysql")}]
    healthcheck: { test: [CMD, mariadb-admin, --user=mysql, --silent, ping], interval: 1s, timeout: 3s, retries: 5, start_period: 60s }
  cache:
    image: docker.io/library/redis:8.0
    restart: unless-stopped
    command: [--appendonly, "yes", --appendfsync, always, --requirepass, hunter2hunter2]
    secrets: [cache]
    volumes: [${bound("notes-cache", "/data")}]
secrets:
  books: { file: /srv/secrets/books }
  cache: { file: /srv/secrets/cache }
`;

/** Rows, the last number, rows with a wrong checksum, and the total that the same transactions have written. */
const checks: Readonly<Record<string, readonly string[]>> = {
  database: [
    ...["psql", "-qAt", "-U", "notes", "-c"],
    "select concat_ws(' ', count(*), max(n), count(*) filter (where checksum <> md5(n::text)), (select n from totals)) from entries",
  ],
  books: [
    ...["sh", "-c"],
    'MYSQL_PWD=$(cat /run/secrets/books) exec mariadb -u root -BN books -e "select concat_ws(0x20, count(*), max(n), sum(checksum <> md5(n)), (select n from totals)) from entries"',
  ],
  cache: [
    ...["sh", "-c"],
    "REDISCLI_AUTH=$(cat /run/secrets/cache) exec redis-cli eval \"local all = redis.call('LRANGE', 'entries', 0, -1) local wrong = 0 for i, v in ipairs(all) do if v ~= i .. ':' .. redis.sha1hex(i) then wrong = wrong + 1 end end return #all .. ' ' .. #all .. ' ' .. wrong .. ' ' .. redis.call('GET', 'total')\" 0",
  ],
};
const spec: AppSpec = {
  ...{ name: "notes", version: "1.0.0", keep: 2 },
  data: {
    database: { path: "/data/notes-database", owner: "999:999" },
    books: { path: "/data/notes-books", owner: "999:999" },
    cache: { path: "/data/notes-cache", owner: "999:999" },
  },
  backup: {
    ...{ at: "02:30", stop: false },
    dump: {
      database: { engine: "postgresql", user: "notes" },
      books: { engine: "mariadb", password: "books" },
      cache: { engine: "redis", password: "cache" },
    },
  },
  restore: { rehearse: "weekly", on: "store-a", check: checks },
  update: { order: "stop-first", monitor: 30, failure_action: "rollback", timeout: 300 },
};
const services = Object.keys(checks);

/** What prepares a database, and what writes until it is stopped. */
const writers: Readonly<Record<string, readonly [prepare: string, write: string]>> = {
  database: [
    `psql -q -v ON_ERROR_STOP=1 -U notes <<'SQL'
create table entries (n bigint primary key, checksum text not null);
create table totals (n bigint not null);
insert into totals values (0);
create procedure write_on() language plpgsql as $$ declare i bigint; begin
  select n into i from totals;
  loop i := i + 1; insert into entries values (i, md5(i::text)); update totals set n = i; commit; end loop;
end $$;
SQL`,
    "exec psql -q -U notes -c 'call write_on()'",
  ],
  books: [
    `MYSQL_PWD=$(cat /run/secrets/books) mariadb -u root books <<'SQL'
create table entries (n bigint primary key, checksum varchar(32) not null) engine=innodb;
create table totals (n bigint not null) engine=innodb;
insert into totals values (0);
create view odd as select n from entries where n % 2 = 1;
create event sleeper on schedule every 1 day do select 1;
delimiter //
create procedure write_on() begin
  declare i bigint;
  select n into i from totals;
  loop start transaction; set i = i + 1; insert into entries values (i, md5(i)); update totals set n = i; commit; end loop;
end //
SQL`,
    "MYSQL_PWD=$(cat /run/secrets/books) exec mariadb -u root books -e 'call write_on()'",
  ],
  cache: [
    "true",
    `export REDISCLI_AUTH=$(cat /run/secrets/cache); busybox yes "EVAL \\"local n = redis.call('INCR', 'total') redis.call('RPUSH', 'entries', n .. ':' .. redis.sha1hex(n))\\" 0" | redis-cli >/dev/null`,
  ],
};

interface Rows {
  readonly count: number;
  readonly last: number;
  readonly wrong: number;
  readonly total: number;
}

const undo = undoAfter();
let app: BackedUpApp;
let world: BackupInGuest;
const { applies } = shellFacts(() => app.engine.on);

async function ran(lines: string): Promise<string> {
  const { exitCode, text } = await app.script(lines);
  assert.equal(exitCode, 0, `${lines}: ${text}`);
  return text;
}

const inService = (service: string, words: string, options = ""): Promise<string> =>
  ran(`docker exec ${options} notes-${service}-1 sh -c "$(cat <<'WORDS'\n${words}\nWORDS\n)"`);

function parseRows(text: string): Rows {
  const [count = NaN, last = NaN, wrong = NaN, total = NaN] = text.trim().split(" ").map(Number);
  return { count, last, wrong, total };
}

const quoted = (words: readonly string[]): string =>
  words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");

/** The number of the last row that is committed, of each database. */
async function committed(): Promise<ReadonlyMap<string, number>> {
  const asked: Readonly<Record<string, string>> = {
    database: "psql -qAt -U notes -c 'select n from totals'",
    books: "MYSQL_PWD=$(cat /run/secrets/books) mariadb -u root -BN books -e 'select n from totals'",
    cache: "REDISCLI_AUTH=$(cat /run/secrets/cache) redis-cli get total",
  };
  const found = new Map<string, number>();
  for (const [service, words] of Object.entries(asked))
    found.set(service, Number((await inService(service, words)).trim()));
  return found;
}

/** Whole, and with every row that was committed before the backup began. */
function isWhole(service: string, rows: Rows, before: number, after: number): void {
  const said = `${service}: ${JSON.stringify(rows)}, before ${before}, after ${after}`;
  assert.equal(rows.wrong, 0, said);
  assert.equal(rows.count, rows.last, said);
  assert.equal(rows.total, rows.last, said);
  assert.ok(rows.last >= before && rows.last <= after, said);
}

before(async () => {
  const folders = ["notes-database", "notes-books", "notes-cache"];
  app = await startBackedUpApp("backup-databases", undo, { compose, folders });
  await ran(`install -d -m 0755 /srv/secrets
cat >/srv/secrets/books <<'PASSWORD'
${password}
PASSWORD
echo hunter2hunter2 >/srv/secrets/cache
chown 999:999 /srv/secrets/* && chmod 0400 /srv/secrets/*
mkdir -p ${rehearsed}/releases
cp -a ${notes}/releases/${release} ${rehearsed}/releases/
echo DATA=${scratch}/data >${rehearsed}/releases/${release}/values.env
ln -s releases/${release} ${rehearsed}/current`);
  world = await startBackups(app.engine.on);
  // On a disk, where a hundred backups have room.
  await ran(
    `systemctl stop store; umount ${storeFolder} && mkdir -p /docker/store && mount --bind /docker/store ${storeFolder}`,
  );
  await world.serve();
  await applies("app_boot", notes, "notes", release, "300");
  await ran(
    "for i in $(seq 100); do docker exec notes-database-1 pg_isready -q -h 127.0.0.1 && exit 0; sleep 0.3; done; exit 1",
  );
  for (const [service, [prepare, write]] of Object.entries(writers)) {
    await inService(service, prepare);
    await inService(service, write, "--detach");
  }
  const { revision, text } = await world.on.run(
    "apply",
    world.steps(spec).filter(({ code }) => !code.endsWith(".recent")),
  );
  assert.ok(revision, text);
  const scripts = [
    ...[`host=${host}`, "seconds=300", `restic=/opt/sealift/restic/${resticVersion()}/restic`],
    `password=${repositoryPassword}`,
  ];
  await applies("backup_restore_script");
  await applies(
    ...["backup_restore_config" as const, "notes", `folder=${notes}`, ...scripts],
    ...[`repository=rest:https://127.0.0.1:8000/${host}/`],
    ...["certificate=/etc/sealift/backup/stores/store-a.crt", ...dataLines(spec)],
  );
  const data = Object.fromEntries(
    Object.entries(spec.data ?? {}).map(([service, one]) => [
      service,
      { ...one, path: `${scratch}/data/notes-${service}` },
    ]),
  );
  await applies(
    ...["rehearsal_job" as const, "notes", "weekly", "app=notes", `folder=${rehearsed}`, ...scripts],
    ...[`repository=${storeFolder}/${host}`, `scratch=${scratch}`, ...dataLines({ ...spec, data })],
  );
});

const resticVersion = (): string => restic.split("/").at(-2) ?? "";

describe(`through ${backups} backups with writers at full speed`, () => {
  test("every restore that is rehearsed has all rows committed before", async (t) => {
    const began = Date.now();
    let seconds = 0;
    let restores = 0;
    for (let at = 1; at <= backups; at += 1) {
      const earlier = await committed();
      const start = Date.now();
      assert.equal(await world.backUp("notes"), "success", `backup ${at}`);
      seconds += (Date.now() - start) / 1000;
      const later = await committed();
      for (const service of services)
        assert.ok((later.get(service) ?? 0) > (earlier.get(service) ?? 0), `${service} is not written to`);
      if (at !== 1 && at !== backups && at % 10 !== 0) continue;
      const { exitCode, text } = await app.script("sh /opt/sealift/backup/rehearse notes");
      assert.equal(exitCode, 0, text);
      const { output } = await app.engine.on.call("value_rehearsal_status", "notes");
      const answers = new Map(
        output
          .slice(output.indexOf("answer=") + "answer=".length)
          .split("; ")
          .map((one) => one.split(": ") as [string, string]),
      );
      for (const service of services)
        isWhole(
          service,
          parseRows(answers.get(service) ?? ""),
          earlier.get(service) ?? 0,
          later.get(service) ?? 0,
        );
      restores += services.length;
      t.diagnostic(`backup ${at}: ${[...answers].map(([service, said]) => `${service} ${said}`).join(", ")}`);
    }
    const minutes = (Date.now() - began) / 60_000;
    const rows = [...(await committed())].map(
      ([service, count]) => `${service} ${count} rows (${Math.round(count / minutes / 60)}/s)`,
    );
    t.diagnostic(
      `${backups} backups of three databases in ${minutes.toFixed(1)} minutes, ${(seconds / backups).toFixed(1)} s each; ${restores} restores, all whole; ${rows.join(", ")}`,
    );
    assert.equal((await world.counted()).length, backups);
  });

  test("the last backup is restored for real, with rights, views and events", async () => {
    const list = await ran("sh /opt/sealift/backup/restore --list notes --json");
    assert.equal((JSON.parse(list) as { backups: unknown[] }).backups.length, backups);
    const earlier = await committed();
    assert.equal(await world.backUp("notes"), "success");
    const later = await committed();
    const text = await ran("sh /opt/sealift/backup/restore notes --from latest --confirm notes");
    assert.match(text, /restored: notes/);
    for (const service of services) {
      const words = quoted(checks[service] ?? []);
      const rows = parseRows(await ran(`docker exec notes-${service}-1 ${words}`));
      isWhole(service, rows, earlier.get(service) ?? 0, later.get(service) ?? 0);
    }
    const asked =
      "show grants for reader@'%'; select count(*) > 0 from odd; show events; show procedure status where db = 'books'";
    const said = await inService(
      "books",
      `MYSQL_PWD=$(cat /run/secrets/books) mariadb -u root -BN books -e "${asked}"`,
    );
    assert.match(said, /GRANT ALL PRIVILEGES ON `books`\.\* TO `reader`@`%`[^]*^1$[^]*sleeper[^]*write_on/m);
    await inService("books", "MYSQL_PWD=hunter2hunter2 mariadb -h 127.0.0.1 -u reader books -e 'select 1'");
    // A restart reads the same data again.
    await ran("systemctl stop sealift-app-notes.service && systemctl start sealift-app-notes.service");
    for (const service of services) {
      const words = quoted(checks[service] ?? []);
      const rows = parseRows(await ran(`docker exec notes-${service}-1 ${words}`));
      isWhole(service, rows, earlier.get(service) ?? 0, later.get(service) ?? 0);
    }
  });
});

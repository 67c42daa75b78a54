/** A restore by the script on the host: PostgreSQL and Redis on a real engine, and a repository of restic made by hand. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import {
  type BackedUpApp,
  notes,
  release,
  repository,
  restic,
  startBackedUpApp,
} from "../support/guests/backed-up-app.ts";
import { shellFacts } from "../support/guests/shell-facts.ts";
import { undoAfter } from "../support/process/undo.ts";

const script = "/opt/sealift/backup/restore";
const state = "/var/lib/sealift/backup/notes";
const undo = undoAfter();
let app: BackedUpApp;
let first = "";
let second = "";
let dumped = "";
const { applies, finds, holds, refuses } = shellFacts(() => app.engine.on);

const config = (name: string, ...lines: readonly string[]): readonly [string, ...string[]] => [
  "backup_restore_config",
  name,
  ...["host=node-a", `folder=${notes}`, "seconds=60", `restic=${restic}`, `repository=${repository}`],
  ...["password=/run/sealift/secrets/_backup/restic.0123abcd", "certificate="],
  ...lines,
];

before(async () => {
  app = await startBackedUpApp("backup-restore", undo);
  await applies("backup_restore_script");
  await applies(
    ...config(
      "notes",
      "data database /data/notes-database 999:999",
      "data cache /data/notes-cache 999:999",
      "dump database postgresql notes -",
      "dump cache redis - -",
    ),
  );
  await applies("app_boot", notes, "notes", release, "60");
  await app.sql("create table lines (line text); insert into lines values ('first')");
  await app.engine.docker("exec notes-cache-1 redis-cli set line first");
  await stopped(async () => {
    await ran(
      "mkdir -p /srv/tree/data && cp -a /data/notes-database /srv/tree/data/database && cp -a /data/notes-cache /srv/tree/data/cache",
    );
    first = await app.backUp("/srv/tree", "00000000000000a1");
  });
  await app.sql("insert into lines values ('second')");
  await app.engine.docker("exec notes-cache-1 redis-cli set line second");
  await ran(
    "mkdir -p /srv/dumps/dump && docker exec notes-database-1 pg_dumpall -U notes >/srv/dumps/dump/database && docker exec notes-cache-1 sh -c 'redis-cli --rdb /tmp/d >/dev/null && cat /tmp/d' >/srv/dumps/dump/cache",
  );
  dumped = await app.backUp("/srv/dumps", "00000000000000a2");
  // One that did not end well: a snapshot, and its run made void.
  second = await app.backUp("/srv/tree", "00000000000000a3");
  await ran("mkdir -p /srv/void && : >/srv/void/void");
  await app.restic(`backup -q --host node-a --tag app=notes --tag void=00000000000000a3 /srv/void`);
  await app.sql("insert into lines values ('third')");
  await app.engine.docker("exec notes-cache-1 redis-cli set line third");
});

async function stopped(work: () => Promise<void>): Promise<void> {
  await app.engine.on.root("systemctl stop sealift-app-notes.service");
  await work();
  await app.engine.on.root("systemctl start sealift-app-notes.service");
}

async function ran(lines: string): Promise<string> {
  const { exitCode, text } = await app.script(lines);
  assert.equal(exitCode, 0, `${lines}: ${text}`);
  return text;
}

const restore = (words: string): ReturnType<BackedUpApp["script"]> => app.script(`sh ${script} ${words}`);

async function restored(words: string): Promise<string> {
  const { exitCode, text } = await restore(words);
  assert.equal(exitCode, 0, text);
  return text;
}

async function refused(pattern: RegExp, words: string): Promise<void> {
  const { exitCode, text } = await restore(words);
  assert.equal(exitCode, 1, text);
  assert.match(text, pattern);
  assert.match(text, /^found: .+\nexpected: .+\nfix: .+$/m);
}

/** What the database and the cache have. */
async function lines(): Promise<string> {
  const rows = await app.sql("select string_agg(line, ',' order by line) from lines");
  const key = await app.engine.docker("exec notes-cache-1 redis-cli get line");
  return `${rows.trim()} ${key.trim()}`;
}

const aside = (): Promise<string> =>
  ran("ls -d /data/*.* 2>/dev/null | sed 's/-2.*//' | sort | uniq -c | awk '{print $2 \" \" $1}'");

async function cleared(): Promise<void> {
  await ran("rm -rf /data/*.* /var/lib/sealift/backup/notes/restore");
}

describe("what is there to restore", () => {
  test("the list has the good backups and what they hold; void ones are not in it", async () => {
    const text = await restored("--list notes");
    const [head, ...rows] = text.trim().split("\n");
    assert.match(head ?? "", /^TIME +SNAPSHOT +RELEASE +BYTES +HOLDS$/);
    assert.equal(rows.length, 2, text);
    assert.match(
      rows[0] ?? "",
      new RegExp(
        `Z +${first.slice(0, 8)} +${release} +\\d+ +files:(database,files:cache|cache,files:database)$`,
      ),
    );
    assert.match(
      rows[1] ?? "",
      new RegExp(
        `Z +${dumped.slice(0, 8)} +${release} +\\d+ +dump:(database,dump:cache|cache,dump:database)$`,
      ),
    );
  });

  test("as JSON", async () => {
    const list = JSON.parse(await restored("--list notes --json")) as {
      backups: { snapshot: string; dumps: string[] }[];
      running: string[];
    };
    assert.deepEqual(
      list.backups.map(({ snapshot }) => snapshot),
      [first, dumped],
    );
    assert.deepEqual(list.running, ["cache", "database"]);
    assert.deepEqual(list.backups[1]?.dumps.toSorted(), ["cache", "database"]);
  });

  test("a backup that has begun and not ended does not count", async () => {
    await ran(
      "mkdir -p /var/lib/sealift/backup/notes && echo 00000000000000a2 >/var/lib/sealift/backup/notes/begun",
    );
    assert.doesNotMatch(await restored("--list notes"), new RegExp(dumped.slice(0, 8)));
    await ran("rm /var/lib/sealift/backup/notes/begun");
  });
});

describe("what is refused before anything stops", () => {
  test("without the name of the application, or with another one", async () => {
    for (const words of ["notes --from latest", "notes --from latest --confirm shop", "notes --undo"])
      await refused(/--confirm notes/, words);
  });

  test("an unknown application, a time before all backups, a void backup, what is no time", async () => {
    await refused(/no application other/, "--list other");
    await refused(/found: application /, "--list ../notes");
    await refused(
      /no good backup of notes at or before 2020-01-01/,
      "notes --from 2020-01-01 --confirm notes",
    );
    await refused(new RegExp(`--from ${second}`), `notes --from ${second} --confirm notes`);
    await refused(/--from nonsense/, "notes --from nonsense --confirm notes");
  });

  test("a wrong password, and a repository that is not there", async () => {
    const place = "/run/sealift/secrets/_backup/restic.0123abcd";
    await ran(`mv ${place} ${place}.right && echo wrong >${place}`);
    await refused(/the backups cannot be read: .*wrong password/, "notes --from latest --confirm notes");
    await ran(`mv ${place}.right ${place} && mv ${repository} ${repository}.away`);
    await refused(/the backups cannot be read/, "--list notes");
    await ran(`mv ${repository}.away ${repository}`);
    assert.equal(await aside(), "");
  });

  test("too little space: nothing has stopped, and it can be undone", async () => {
    await applies(...config("tight", "data database /tight/database 999:999"));
    await ran(
      "mkdir -p /tight /srv/large/data/database && mount -t tmpfs -o size=1m tmpfs /tight && mkdir /tight/database && head -c 3000000 /dev/urandom >/srv/large/data/database/file",
    );
    await app.backUp("/srv/large", "00000000000000b1", "tight");
    await refused(/bytes free in \/tight/, "tight --from latest --confirm tight");
    assert.equal(await ran("ls /tight"), "database\n");
    await restored("tight --undo --confirm tight");
    assert.equal(await ran("ls /tight"), "database\n");
  });
});

describe("a restore", () => {
  test("of files: present data lies aside, and undo brings it back", async () => {
    assert.equal(await lines(), "first,second,third third");
    await ran(`mkdir -p ${state} && echo '1 16 refused; fix: restore' >${state}/failed`);
    const text = await restored(`notes --from ${first.slice(0, 8)} --confirm notes`);
    assert.match(text, /it will stop: cache database/);
    assert.match(text, /1 of 6[^]*2 of 6[^]*3 of 6[^]*4 of 6[^]*5 of 6[^]*6 of 6[^]*restored: notes/);
    assert.match(text, /database: \d databases answer/);
    assert.match(text, /rm -rf \/data\/notes-database\.before-2/);
    assert.equal(await lines(), "first first");
    assert.equal(await aside(), "/data/notes-cache.before 1\n/data/notes-database.before 1\n");
    assert.equal(await ran("stat -c '%u:%g %a' /data/notes-database"), "999:999 700\n");
    assert.equal((await ran("systemctl is-enabled sealift-app-notes.service")).trim(), "enabled");
    // A backup knows them from now on, and one that has refused other data is no more news.
    const known = "cd /data && stat -c 'database %i.%W' notes-database && stat -c 'cache %i.%W' notes-cache";
    assert.equal(await ran(`cat ${state}/folders`), await ran(`{ ${known}; } | sort`));
    assert.equal(await ran(`ls ${state}/failed 2>/dev/null || true`), "");
    // As a backup that runs.
    const lock = "/run/sealift/backup/notes/lock";
    await ran(
      `systemd-run --quiet --unit holds flock ${lock} sleep 600; for i in $(seq 100); do flock -n ${lock} true || exit 0; sleep 0.1; done; exit 1`,
    );
    await refused(/found: a backup of notes runs/, "notes --undo --confirm notes");
    await ran("systemctl stop holds");
    await restored("notes --undo --confirm notes");
    assert.equal(await lines(), "first,second,third third");
    assert.equal(await aside(), "/data/notes-cache.restored 1\n/data/notes-database.restored 1\n");
    await refused(/no restore of notes/, "notes --undo --confirm notes");
    await cleared();
  });

  test("of dumps: the databases are made again from them", async () => {
    const text = await restored("notes --from latest --confirm notes");
    assert.match(text, /loads the dump of database/);
    assert.equal(await lines(), "first,second second");
    await restored("notes --undo --confirm notes");
    assert.equal(await lines(), "first,second,third third");
    await cleared();
  });

  test("of a dump by a command of the site: it is loaded by the command beside it, which can fail", async () => {
    const own = config(
      "notes",
      "data database /data/notes-database 999:999",
      "data cache /data/notes-cache 999:999",
      "dump database command - -",
      "dump cache redis - -",
    );
    await applies(...own, `load database sh -c 'echo no access >&2; exit 4'`);
    await refused(/the dump of database was not loaded: no access/, "notes --from latest --confirm notes");
    await applies(...own);
    await refused(/a dump of database that a command .*no load:/, "notes --from latest --confirm notes");
    await applies(...own, `load database psql -q -d postgres -U notes -v 'x=it'\\''s'`);
    await restored("notes --from latest --confirm notes");
    assert.equal(await lines(), "first,second second");
    await restored("notes --undo --confirm notes");
    const before = own.slice(0, -2);
    await applies(
      ...(before as [string, ...string[]]),
      "dump database postgresql notes -",
      "dump cache redis - -",
    );
    assert.equal(await lines(), "first,second,third third");
    await cleared();
  });

  test("of a dump beside files: the data of another major version, on which its database would not start", async () => {
    await ran(
      "mkdir -p /srv/older/data/database /srv/older/dump /data/older && echo 15 | tee /srv/older/data/database/PG_VERSION >/data/older/PG_VERSION && cp /srv/dumps/dump/database /srv/older/dump/",
    );
    const older = await app.backUp("/srv/older", "00000000000000a5");
    const databases = (path: string): readonly [string, ...string[]] =>
      [
        ...["app_databases", "/svc/apps/notes", "notes", "2.0-0a", "database", "postgresql", "17", path, ""],
        ...["cache", "redis", "8", "/data/notes-cache", ""],
      ] as const;
    await refuses(
      /^E_DATABASE_MAJOR the data of database is that of postgresql 15, and postgresql 17 of release 2\.0-0a /,
      ...databases("/data/older"),
    );
    await holds(...databases("/data/notes-database"));
    assert.equal((await app.engine.on.call("app_databases_run", "notes")).output, "cache redis 8");
    await refused(/no dump of cache in the backup/, `notes --from ${older} --dump cache --confirm notes`);
    await refused(
      /files of PostgreSQL 15 for database, and present ones of PostgreSQL 17[^]*with --dump database; nothing has stopped/,
      `notes --from ${older} --confirm notes`,
    );
    await restored("notes --undo --confirm notes");
    assert.match(
      await restored(`notes --from ${older} --dump database --confirm notes`),
      /loads the dump of database/,
    );
    assert.match(await lines(), /^first,second /);
    await holds(...databases("/data/notes-database"));
    await restored("notes --undo --confirm notes");
    assert.equal(await lines(), "first,second,third third");
    await app.restic("backup -q --host node-a --tag app=notes --tag void=00000000000000a5 /srv/void");
    await cleared();
    await ran("rm -rf /data/older");
  });

  test("of a dump with an error: it says so, and undo brings everything back", async () => {
    await ran(
      "mkdir -p /srv/bad/dump && { cat /srv/dumps/dump/database; echo 'insert into nowhere values (1);'; } >/srv/bad/dump/database",
    );
    const bad = await app.backUp("/srv/bad", "00000000000000a4");
    await refused(/the dump of database was not loaded: .*nowhere/, `notes --from ${bad} --confirm notes`);
    await refused(/an unfinished restore/, `notes --from ${first} --confirm notes`);
    await restored("notes --undo --confirm notes");
    assert.equal(await lines(), "first,second,third third");
    await app.restic("backup -q --host node-a --tag app=notes --tag void=00000000000000a4 /srv/void");
    await cleared();
  });

  test("whose check fails says so, and can be undone", async () => {
    const before = config(
      "notes",
      "data database /data/notes-database 999:999",
      "data cache /data/notes-cache 999:999",
    );
    await applies(...before, "check database psql -qAt -U notes -c 'select 1/(count(*)-1) from lines'");
    await refused(
      /the check of database failed: exit code 1: .*division by zero/,
      `notes --from ${first} --confirm notes`,
    );
    await restored("notes --undo --confirm notes");
    await applies(...before, "dump database postgresql notes -", "dump cache redis - -");
    assert.equal(await lines(), "first,second,third third");
    await cleared();
  });

  test("onto a host without any data", async () => {
    await ran(
      "systemctl stop sealift-app-notes.service && mv /data/notes-database /data/database.kept && mv /data/notes-cache /data/cache.kept",
    );
    await restored(`notes --from ${first} --confirm notes`);
    assert.equal(await lines(), "first first");
    await ran(
      "systemctl stop sealift-app-notes.service && rm -rf /data/notes-* && mv /data/database.kept /data/notes-database && mv /data/cache.kept /data/notes-cache && systemctl start sealift-app-notes.service",
    );
    assert.equal(await lines(), "first,second,third third");
    await cleared();
  });
});

/** A program before the real mv kills the restore at the call of this number. */
async function cutAt(call: number): Promise<void> {
  await ran(`cat >/usr/local/sbin/mv <<'MV'
#!/bin/sh
count=$(($(cat /run/moves 2>/dev/null || echo 0) + 1))
echo $count >/run/moves
if [ $count = ${call} ]; then kill -9 $PPID; exit 1; fi
exec /usr/bin/mv "$@"
MV
chmod 755 /usr/local/sbin/mv; rm -f /run/moves`);
}

describe("a restore that is killed at any of its moves", () => {
  for (const [kind, from] of [
    ["files", () => first],
    ["dumps", () => dumped],
  ] as const)
    test(`of ${kind}: run again it ends well, or it is undone; what was there is never lost`, async (t) => {
      await cutAt(0);
      await restored(`notes --from ${from()} --confirm notes`);
      const moves = Number(await ran("cat /run/moves"));
      await restored("notes --undo --confirm notes");
      await cleared();
      t.diagnostic(`${moves} moves`);
      assert.ok(moves > 15, String(moves));
      const expected = kind === "files" ? "first first" : "first,second second";
      for (let call = 2 + (kind.length % 2); call <= moves; call += 3) {
        await cutAt(call);
        const cut = await restore(`notes --from ${from()} --confirm notes`);
        assert.notEqual(cut.exitCode, 0, `${call}: ${cut.text}`);
        await ran("rm -f /usr/local/sbin/mv");
        if (call % 2 === 0) {
          await restored(`notes --from ${from()} --confirm notes`);
          assert.equal(await lines(), expected, String(call));
        }
        await restored("notes --undo --confirm notes");
        assert.equal(await lines(), "first,second,third third", String(call));
        assert.doesNotMatch(await aside(), /restoring/);
        assert.equal((await ran("systemctl is-enabled sealift-app-notes.service")).trim(), "enabled");
        await cleared();
      }
    });
});

test("an altered script is found", async () => {
  await app.engine.on.root(`sh -c 'echo >>${script}'`);
  await finds(`${script} is altered`, "backup_restore_script");
});

/** Rehearsed restores by the script on a store: PostgreSQL and Redis on a real engine, and a repository of restic made by hand. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
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

const undo = undoAfter();
let app: BackedUpApp;
const { applies, holds, finds } = shellFacts(() => app.engine.on);

/** Where the release of the store lies, which has its data below the scratch folder. */
const rehearsed = "/svc/apps/rehearsed/notes";
const scratch = "/srv/rehearsal/notes";
const week = "1209600";

const job = (...lines: readonly string[]): readonly [string, ...string[]] => [
  "rehearsal_job",
  ...["notes", "weekly", "app=notes", "host=node-a", `folder=${rehearsed}`, "seconds=60"],
  ...[`restic=${restic}`, `repository=${repository}`, `scratch=${scratch}`],
  "password=/run/sealift/secrets/_backup/restic.0123abcd",
  `data database ${scratch}/data/notes-database 999:999`,
  `data cache ${scratch}/data/notes-cache 999:999`,
  ...lines,
];
const engines = ["dump database postgresql notes -", "dump cache redis - -"];
const recent = ["rehearsal_recent", "notes", week, repository] as const;

before(async () => {
  app = await startBackedUpApp("backup-rehearsal", undo);
  await ran(`mkdir -p ${rehearsed}/releases
cp -a ${notes}/releases/${release} ${rehearsed}/releases/
echo DATA=${scratch}/data >${rehearsed}/releases/${release}/values.env
ln -s releases/${release} ${rehearsed}/current`);
});

async function ran(lines: string): Promise<string> {
  const { exitCode, text } = await app.script(lines);
  assert.equal(exitCode, 0, `${lines}: ${text}`);
  return text;
}

const rehearse = (): ReturnType<BackedUpApp["script"]> => app.script("sh /opt/sealift/backup/rehearse notes");

async function status(): Promise<string> {
  return (await app.engine.on.call("value_rehearsal_status", "notes")).output;
}

/** Of the rehearsal nothing is left, and the application beside it runs. */
async function nothingLeft(): Promise<void> {
  const kinds = ["ps --all", "network ls", "volume ls"];
  for (const kind of kinds) {
    const left = await ran(
      `docker ${kind} --quiet --filter label=com.docker.compose.project=sealift-rehearsal-notes`,
    );
    assert.equal(left, "", kind);
  }
  assert.equal(await ran(`find ${scratch} 2>/dev/null | head -n 9`), "");
}

describe("before there is a backup", () => {
  test("the job is in place, and the missing rehearsal is a warning", async () => {
    await applies(...job(...engines));
    const { exitCode, output } = await app.engine.on.call("check_rehearsal_recent", ...recent.slice(1));
    assert.equal(exitCode, 90, output);
    assert.match(
      output,
      /^E_RESTORE no restore of notes has been rehearsed: there is no backup of it yet; fix: /,
    );
    assert.equal((await app.engine.on.call("value_rehearsal_status", "notes")).exitCode, 1);
    assert.equal((await rehearse()).exitCode, 0);
    assert.match(await status(), /^result=none .* answer=there is no good backup of notes on node-a yet$/);
  });
});

describe("a rehearsal", () => {
  before(async () => {
    await applies("app_boot", notes, "notes", release, "60");
    await app.sql("create table lines (line text); insert into lines values ('first')");
    await app.engine.docker("exec notes-cache-1 redis-cli set line first");
    await ran(
      "mkdir -p /srv/dumps/dump && docker exec notes-database-1 pg_dumpall -U notes >/srv/dumps/dump/database && docker exec notes-cache-1 sh -c 'redis-cli --rdb /tmp/d >/dev/null && cat /tmp/d' >/srv/dumps/dump/cache",
    );
    await app.backUp("/srv/dumps", "00000000000000a1");
  });

  for (const which of [0, 1])
    test(`of dumps with ${which === 0 ? "the newest" : "an older"} Compose: the data answers, and nothing is left`, async () => {
      await app.useCompose(app.composeVersions[which] ?? assert.fail());
      await ran("rm -rf /var/lib/sealift/backup/rehearsals");
      await finds(/^absent: no restore of notes has been rehearsed with success$/, ...recent);
      await applies(...recent);
      assert.match(
        await status(),
        new RegExp(
          `^result=good time=\\d+ seconds=\\d+ of=node-a snapshot=[0-9a-f]{64} backup=\\d+ release=${release} bytes=\\d+ image=unknown good=\\d+ answer=database: \\d databases answer; cache: 1 keys$`,
        ),
      );
      await nothingLeft();
    });

  test("of files: the database of the site goes on beside it, without a port or a network in common", async () => {
    await app.useCompose(app.composeVersions[0] ?? "");
    await ran(
      "systemctl stop sealift-app-notes.service && mkdir -p /srv/tree/data && cp -a /data/notes-database /srv/tree/data/database && cp -a /data/notes-cache /srv/tree/data/cache && systemctl start sealift-app-notes.service",
    );
    await app.backUp("/srv/tree", "00000000000000a2");
    await applies(
      ...job("check database psql -qAt -U notes -c 'select string_agg(line, chr(32)) from lines'"),
    );
    const running = rehearse();
    const name = "sealift-rehearsal-notes-database-1";
    await ran(
      `for i in $(seq 200); do docker inspect ${name} >/dev/null 2>&1 && exit 0; sleep 0.1; done; exit 1`,
    );
    const format =
      "{{json .HostConfig.PortBindings}} {{.HostConfig.RestartPolicy.Name}} {{range $name, $one := .NetworkSettings.Networks}}{{$name}}{{end}}";
    const shape = await app.script(`docker inspect ${name} --format '${format}'`);
    if (shape.exitCode === 0) assert.equal(shape.text.trim(), "{} no sealift-rehearsal-notes_rehearsal");
    const { exitCode, text } = await running;
    assert.equal(exitCode, 0, text);
    assert.match(await status(), /^result=good .* answer=database: first; cache: runs$/);
    await nothingLeft();
    assert.equal((await app.sql("select line from lines")).trim(), "first");
  });

  test("whose check fails is reported with its answer, and is a warning as long as an earlier one is recent", async () => {
    await applies(...job("check database psql -qAt -U notes -c 'select 1/(count(*)-1) from lines'"));
    assert.equal((await rehearse()).exitCode, 1);
    assert.match(
      await status(),
      /^result=failed .* answer=the check of database failed: exit code 1: ERROR: division by zero$/,
    );
    const { exitCode, output } = await app.engine.on.call("check_rehearsal_recent", ...recent.slice(1));
    assert.equal(exitCode, 90, output);
    assert.match(output, /^E_RESTORE the last rehearsal of notes failed: the check of database/);
    await finds(/hours old$/, "rehearsal_recent", "notes", "0", repository);
    await nothingLeft();
  });

  test("does not show a secret that the data answers with", async () => {
    await ran(
      "mkdir -p /run/sealift/secrets/notes && printf 'hunter2hunter2\\n' >/run/sealift/secrets/notes/password.0123abcd",
    );
    await applies(...job("check database printf 'the password is hunter2hunter2'"));
    assert.equal((await rehearse()).exitCode, 0);
    assert.match(await status(), /answer=database: the password is \*\*\*; /);
  });

  test("of a service that uses paths of its host is refused", async () => {
    await applies(...job("unsafe service database uses /var/run/docker.sock of its host"));
    assert.equal((await rehearse()).exitCode, 1);
    assert.match(
      await status(),
      /^result=failed .*answer=not rehearsed: service database uses \/var\/run\/docker.sock of its host$/,
    );
    await nothingLeft();
  });

  test("that is killed in the middle leaves nothing", async () => {
    await applies(...job(...engines));
    await ran("systemctl start --no-block sealift-rehearsal-notes.service");
    await ran(
      "for i in $(seq 300); do docker inspect sealift-rehearsal-notes-database-1 >/dev/null 2>&1 && exit 0; sleep 0.1; done; exit 1",
    );
    await ran("systemctl kill --signal=KILL sealift-rehearsal-notes.service");
    for (let left = 60; left > 0; left -= 1) {
      const units = "sealift-rehearsal-notes.service sealift-clean-rehearsal-notes.service";
      const states = await app.script(`systemctl show -P ActiveState ${units}`);
      if (!/activating|deactivating/.test(states.text)) break;
      await sleep(1000);
    }
    await nothingLeft();
  });

  test("of a damaged repository fails, and says what is not whole", async () => {
    await ran(`cp -a ${repository} ${repository}.whole
for pack in $(find ${repository}/data -type f -size +1k); do
  chmod u+w $pack
  printf 'XXXXXXXX' | dd of=$pack bs=1 seek=$(($(stat -c %s $pack) / 3)) conv=notrunc status=none
done
rm -rf /var/cache/sealift/restic`);
    assert.equal((await rehearse()).exitCode, 1);
    assert.match(
      await status(),
      /^result=failed .* answer=(the (files|dump) of (database|cache) (are|is) not whole|the backup )/,
    );
    await nothingLeft();
    await ran(`rm -rf ${repository} && mv ${repository}.whole ${repository}`);
    assert.equal((await rehearse()).exitCode, 0);
    await holds(...recent);
  });
});

test("a changed script, configuration or timer is found", async () => {
  const files = [
    "/opt/sealift/backup/rehearse",
    "/etc/sealift/backup/rehearsals/notes",
    "/etc/systemd/system/sealift-rehearsal-notes.timer",
  ];
  for (const file of files) {
    await ran(`cp -a ${file} /srv/kept && echo >>${file}`);
    await finds(`${file} is altered`, ...job(...engines));
    await ran(`mv /srv/kept ${file}`);
  }
  await holds(...job(...engines));
  const clean = "sealift-clean-rehearsal-notes.service";
  await ran(`systemctl disable --quiet ${clean}`);
  await finds(`${clean} is disabled, so it would not start at boot`, ...job(...engines));
  await applies(...job(...engines));
  await ran(`mkdir -p ${scratch}/data/left && systemctl start ${clean}`);
  await nothingLeft();
});

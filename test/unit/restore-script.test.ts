/** Decisions of the scripts for a restore and for its rehearsal, with a restic and an engine that are shell functions. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { library } from "../support/fixtures/example-host.ts";

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs lines in a folder of their own, after the functions of a script: what it does by itself begins with a line of this pattern. */
function runs(script: string, pattern: string, lines: string): Ended {
  const folder = mkdtempSync(join(tmpdir(), "sealift-restore-script-"));
  const input = `${library.text}
eval "$(${script} | sed '/${pattern}/,$d')"
app=shop own=
state=$PWD/state
record=$state/restore
errors=$PWD/errors
config=$PWD/config
services='database cache'
mkdir state data
: >errors
printf '%s\\n' "data database $PWD/data/database -" "data cache $PWD/data/cache -" >config
sync() { :; }
systemctl() { :; }
restic=answer
docker=engine
engine() { :; }
${lines}
`;
  try {
    const { status, stdout, stderr } = spawnSync("sh", ["-s"], { input, encoding: "utf8", cwd: folder });
    return { exitCode: status, stdout: stdout.replaceAll(folder, ""), stderr: stderr.replaceAll(folder, "") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const restores = (lines: string): Ended => runs("restore_script", "^mode=restore ", lines);

const recorded = (...more: readonly string[]): string => `printf '%s\\n' ${more.join(" ")} >"$record"
set -- database cache
for one; do echo "kind.$one=files" >>"$record"; done
`;

test("what is restored already needs no room any more, of any service", () => {
  const enough = (free: number, restored: string): Ended =>
    restores(`${recorded("step=restore", "bytes=1000000")}
df() { printf '%s\\n' 'Filesystem 1-blocks Used Available Capacity Mounted' "none 2000000 0 ${free} 0% /data"; }
${restored}
restore_enough "$PWD/data"`);
  const filled = (name: string): string =>
    `mkdir -p data/${name} && head -c 400000 /dev/zero >data/${name}/file`;
  assert.equal(enough(1_050_000, ":").exitCode, 0);
  assert.match(enough(1_049_999, ":").stderr, /^found: 1049999 bytes free in \/data\nexpected: 1050000 /);
  assert.equal(enough(650_000, filled("database.restoring")).exitCode, 0);
  assert.equal(enough(250_000, `${filled("database.restoring")}; ${filled("cache.restoring")}`).exitCode, 0);
  assert.equal(enough(200_000, `${filled("database.restoring")}; ${filled("cache.restoring")}`).exitCode, 1);
  assert.equal(enough(650_000, filled("database.before-1")).exitCode, 1);
});

test("what has stopped does not count as running when the engine lists it for a moment longer", () => {
  const stops = (runs: string): Ended =>
    restores(`units=- self=restore
touch running
timeout() { shift; "$@"; }
restore_undisturbed() { touch undisturbed; }
restore_compose() { if [ -e undisturbed ]; then touch stopped; fi; }
engine() {
  case $1 in
    ps) if [ -e running ]; then echo web; fi ;;
    # The engine answers when its list is right again.
    inspect) ${runs} ;;
  esac
}
restore_step_stop`);
  assert.deepEqual(stops("if [ -e stopped ]; then rm running; fi"), {
    exitCode: 0,
    stdout: "2 of 6: stops web\n",
    stderr: "",
  });
  const still = stops(":");
  assert.equal(still.exitCode, 1);
  assert.match(still.stderr, /^found: web of shop still run\n/);
});

test("an undo without the earlier data changes nothing, and says what is gone", () => {
  const undone = (lines: string): Ended =>
    restores(`${recorded("step=done", "time=1795827600", "stamp=1", "had.database=yes", "had.cache=yes")}
mkdir data/database data/cache data/cache.before-1 data/database.before-1
${lines}
( restore_work_undo ) || echo "exit code $?"
ls data; grep step "$record"`);
  const gone = undone("rmdir data/database.before-1");
  assert.match(
    gone.stderr,
    /^found: no \/data\/database.before-1\nexpected: .+\nfix: .+ nothing has changed$/m,
  );
  assert.equal(gone.stdout, "exit code 1\ncache\ncache.before-1\ndatabase\nstep=done\n");
  const whole = undone("");
  assert.equal(whole.stderr, "");
  assert.match(
    whole.stdout,
    /^undone: .*\n(.+\n)+cache\ncache.restored-1\ndatabase\ndatabase.restored-1\nstep=undone\n$/m,
  );
});

test("an undo that was interrupted at any point goes on", () => {
  const again = (lines: string): void => {
    const { stdout, stderr } =
      restores(`${recorded("step=undoing", "time=1795827600", "stamp=1", "had.database=yes", "had.cache=no")}
${lines}
restore_work_undo
ls data; cat data/database/file`);
    assert.equal(stderr, "", lines);
    assert.match(stdout, /^database$[^]*^earlier$/m, lines);
    assert.doesNotMatch(stdout, /restoring/, lines);
  };
  const earlier = "mkdir data/database; echo earlier >data/database/file";
  // Before it was moved aside; after it was moved back, and before or after what was restored is removed.
  again(`${earlier}; mkdir data/database.restoring`);
  again(`${earlier}; mkdir data/database.restoring; echo back.database=yes >>"$record"`);
  again(`${earlier}; echo back.database=yes >>"$record"`);
  again(`${earlier}; mkdir data/database.restored-1`);
  again("mkdir data/database.before-1 data/database.restored-1; echo earlier >data/database.before-1/file");
});

test("an undo that is killed after each of its changes is ended by the next one", () => {
  const record = recorded("step=place", "time=1795827600", "stamp=1", "had.database=yes", "had.cache=yes");
  for (let call = 1; call <= 9; call += 1) {
    const { stdout, stderr } = restores(`${record}
mkdir data/cache data/cache.before-1 data/database.before-1 data/database.restoring
echo earlier >data/database.before-1/file
( calls=0
  stops() { calls=$((calls + 1)); if [ $calls = ${call} ]; then exit 9; fi; }
  mv() { command mv "$@"; stops; }
  rm() { command rm "$@"; stops; }
  restore_work_undo ) >first || true
( restore_work_undo ) >again || true
ls data; cat data/database/file`);
    assert.match(stderr, /^(found: no restore of shop\n[^]*)?$/, String(call));
    assert.match(stdout, /cache\ncache.restored-1\ndatabase\nearlier\n$/, String(call));
  }
});

test("a backup that cannot be read is an error, not one that holds nothing", () => {
  const list = (json: string): Ended =>
    restores(`from='' json=${json} host=node-a folder=$PWD
answer() {
  case $1 in
    snapshots) echo '[{"time":"2026-11-28T01:00:00Z","tags":["app=shop","release=1","run=01"],"id":"${"1".repeat(64)}"}]' ;;
    ls) echo 'Fatal: unexpected end of data' >&2; return 1 ;;
  esac
}
date() { if [ "$*" = +%s ]; then echo 1795910400; else command date "$@"; fi; }
restore_list`);
  for (const json of ["no", "yes"]) {
    const { exitCode, stderr } = list(json);
    assert.equal(exitCode, 1);
    assert.match(stderr, /^found: the backups cannot be read: Fatal: unexpected end of data /);
  }
});

test("services that the backup has nothing of are named", () => {
  const { stdout } = restores(`printf '%s\\n' step=restore kind.database=files >"$record"
restore_kept`);
  assert.equal(stdout, "cache\n");
});

test("a rehearsal of a backup that lacks a service with data is not good", () => {
  const rehearsed = (holds: string): Ended =>
    runs(
      "rehearsal_script",
      "^clean=no",
      `host=node-a scratch=$PWD/data/rehearsal/shop RESTIC_PASSWORD_FILE=$PWD/config RESTIC_REPOSITORY=$PWD
answer() {
  case $1 in
    snapshots) echo '[{"time":"2026-11-28T01:00:00Z","tags":["app=shop","release=1","run=01"],"id":"${"1".repeat(64)}"}]' ;;
    ls) ${holds} ;;
    restore) echo 'restores it' >&2; return 1 ;;
  esac
}
date() { if [ "$*" = +%s ]; then echo 1795910400; else command date "$@"; fi; }
mkdir data/rehearsal
rehearse_end() { printf '%s: %s\\n' "$@"; }
rehearse`,
    );
  assert.match(
    rehearsed("echo /data/database").stdout,
    /^failed: the backup 1{64} has neither files nor a dump of cache$/m,
  );
  assert.match(rehearsed("echo no >&2; return 1").stdout, /^failed: the backup 1{64} cannot be read: no $/m);
  assert.match(
    rehearsed("echo /data/database; echo /dump/cache").stdout,
    /^failed: the files of database are not whole: restores it $/m,
  );
});

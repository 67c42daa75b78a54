/** What is decided about backups without a host: the commands, the configuration, and what a host says. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { parseBackupStatus } from "../../modules/backup/client-status.ts";
import { clientSteps } from "../../modules/backup/client-steps.ts";
import { backupPhase } from "../../modules/backup/index.ts";
import { dumpCommand } from "../../modules/backup/dump-command.ts";
import type { ComposeProject, StateMount } from "../../modules/core/host/compose-project.ts";
import type { AppBackupSpec, AppSpec, DumpSpec } from "../../modules/core/site/site-spec.ts";
import { exampleApp } from "../support/fixtures/example-app.ts";
import { exampleArchive, exampleFiles, exampleHost, library } from "../support/fixtures/example-host.ts";

function app(name: string, backup: Partial<AppBackupSpec>): AppSpec {
  return {
    ...{ name, version: "1.0.0", keep: 2 },
    data: { web: { path: "/data/web" }, db: { path: "/data/db" } },
    backup: { at: "02:30", stop: false, dump: {}, ...backup },
    update: { order: "stop-first", monitor: 30, failure_action: "rollback", timeout: 300 },
  };
}

function steps(...apps: readonly AppSpec[]): ReturnType<typeof clientSteps> {
  return stepsWith({}, ...apps);
}

type Mounts = Readonly<Record<string, readonly StateMount[]>>;

function projectOf(mounts: Mounts): ComposeProject {
  const services = Object.entries(mounts).map(([name, own]) => ({
    ...{ name, image: "nginx", config: "c1".repeat(8) },
    mounts: own,
  }));
  return { file: "compose.yaml", services };
}

/** @param mounts of the services of every application in the bundle. */
function stepsWith(mounts: Mounts, ...apps: readonly AppSpec[]): ReturnType<typeof clientSteps> {
  const releases = apps.map(({ name }) => ({ ...exampleApp, name, project: projectOf(mounts) }));
  return clientSteps({
    releases,
    ...{ host: "node-a", apps, restic: exampleArchive, password: "/run/sealift/secrets/_backup/p.1" },
    volumes: { group: "vg0", logicalVolumes: [{ name: "data", size: "1GiB", mount: "/data" }] },
    backup: {
      ...{ restic: "0.19.1", password: "p.age" },
      store: { host: "store-a", address: "10.0.0.9", port: 8000 },
    },
    certificates: new Map(),
  });
}

const jobOf = (backup: Partial<AppBackupSpec>): readonly string[] =>
  steps(app("shop", backup)).find(({ code }) => code === "backup.shop.job")?.call ?? [];

describe("the configuration of a job", () => {
  test("a snapshot names its volume and where that is mounted; services are in the order of their names", () => {
    const call = jobOf({ snapshot: "data" });
    assert.deepEqual(call.slice(0, 3), ["backup_job", "shop", "02:30"]);
    for (const line of ["volume=vg0/data", "mount=/data", "spool=/data/.sealift-backup/shop"])
      assert.ok(call.includes(line), line);
    assert.deepEqual(
      call.filter((line) => line.startsWith("data=")),
      ["data=db /data/db", "data=web /data/web"],
    );
    assert.ok(!call.includes("stop=yes"));
  });

  test("only a stop stops anything, and the preview says so", () => {
    const effects = (backup: Partial<AppBackupSpec>): readonly string[] =>
      steps(app("shop", backup)).map(({ effect }) => effect);
    assert.deepEqual(new Set(effects({ snapshot: "data" })), new Set(["none"]));
    assert.equal(effects({ stop: true }).filter((effect) => effect === "containers-stop").length, 1);
    assert.ok(jobOf({ stop: true }).includes("stop=yes"));
  });

  test("an application without backup has no steps, and is not among those that are backed up", () => {
    const { name, version, keep, update } = app("blog", {});
    const none = { name, version, keep, update };
    const found = steps(none, app("shop", { stop: true }));
    assert.deepEqual(found.find(({ code }) => code === "backup.others")?.call, ["backup_others", "shop"]);
    assert.ok(!found.some(({ code }) => code.startsWith("backup.blog")));
  });

  test("whatever an argument holds: one line, and printf gives it back", () => {
    const hostile = [
      ...["a b", "", "'", '"', "$(touch /tmp/x)", "`id`", "\\", "\\n", "\\0101", "\\c", "%s", "-n"],
      ...["line\nend\n", "\ttab\r", "\u0001\u007f", "é😀", "dump=db", "=", "password=/etc/shadow"],
    ];
    const lines = jobOf({ dump: { db: { command: hostile } } }).filter((line) => line.startsWith("arg="));
    assert.equal(lines.length, hostile.length);
    for (const [at, line] of lines.entries()) {
      assert.doesNotMatch(line, /[\n\r\t]/);
      const printed = execFileSync("sh", ["-c", 'printf "%bx" "${1#arg=}"', "sh", line], {
        encoding: "utf8",
      });
      assert.equal(printed, `${hostile[at] ?? ""}x`);
    }
  });
});

describe("services that write to the data of others", () => {
  const state = { target: "/state", volume: "db" };
  const mounts = {
    agent: [{ target: "/host", source: "/data" }],
    cache: [{ target: "/cache", volume: "cache" }],
    db: [state],
    dumper: [{ target: "/files", source: "/data/db/files" }],
    neighbour: [{ target: "/files", source: "/data/db2" }],
    reader: [{ ...state, readOnly: true }],
    watcher: [{ target: "/files", source: "/data/db", readOnly: true }],
    web: [{ target: "/files", volume: "web" }],
    worker: [{ ...state, target: "/work" }],
  };
  const stepOf = (backup: Partial<AppBackupSpec>): ReturnType<typeof clientSteps>[number] | undefined =>
    stepsWith(mounts, app("shop", { ...backup, without: ["cache"] })).find(
      ({ code }) => code === "backup.shop.job",
    );
  const stopsOf = (backup: Partial<AppBackupSpec>): readonly string[] =>
    stepOf(backup)?.call.filter((line) => line.startsWith("stops=")) ?? [];

  test("they stop as well, and the preview names them", () => {
    assert.deepEqual(stopsOf({ stop: true }), ["stops=agent", "stops=dumper", "stops=worker"]);
    assert.match(
      stepOf({ stop: true })?.fact ?? "",
      /the files of web, db, which stop meanwhile, with agent, dumper, worker$/,
    );
  });

  test("the phase of a host takes them from its bundle", () => {
    const release = { ...exampleApp, project: projectOf(mounts) };
    const backup = {
      ...{ restic: "0.19.1", password: "p.age" },
      store: { host: "store-a", address: "10.0.0.9", port: 8000 },
    };
    const found = backupPhase(
      { ...exampleHost(), apps: [app("shop", { stop: true })], backup },
      { ...exampleFiles, restic: exampleArchive, apps: [release] },
      new Map(),
    );
    assert.ok(
      found?.steps.find(({ code }) => code === "backup.shop.job")?.call.includes("stops=worker"),
      JSON.stringify(found),
    );
  });

  test("without a stop, or from a snapshot, nothing stops", () => {
    assert.deepEqual(stopsOf({ snapshot: "data" }), []);
    assert.deepEqual(stopsOf({ dump: { db: { engine: "mysql" }, web: { command: ["dump"] } } }), []);
  });
});

describe("the script on the host", () => {
  /** Runs commands after its functions. */
  function script(commands: string): { readonly status: number | null; readonly text: string } {
    const { status, stdout, stderr } = spawnSync("sh", [], {
      encoding: "utf8",
      env: { ...process.env, SEALIFT_OWN_MOUNTS: "yes" },
      input: `${library.text}
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
backup_script | sed -e '/^app=$/,$d' -e "s|/proc/self/mountinfo|$work/mountinfo|" >"$work/script"
. "$work/script"
confs=$work states=$work runs=$work
stat() { echo "0 600 regular file"; }
sync() { :; }
backup_fail() { echo "$1 $2"; exit "$1"; }
${commands}
`,
    });
    return { status, text: `${stdout}${stderr}` };
  }

  test("stops and watches every service that writes to the data, also with an older configuration", () => {
    const conf = "printf '%s\\n' stop=yes 'data=db /data/db' stops=worker >\"$work/shop.conf\"";
    const world = `
printf '%s\\n' '#!/bin/sh' 'echo "$@" >>"\${0%/*}/said"' >"$work/docker"; chmod 0755 "$work/docker"
backup_read_conf shop; docker=$work/docker state=$work run=$work
backup_containers() { case " $running " in *" $1 "*) echo "id-$1" ;; esac }
running="db worker web"; backup_stop_services; cat "$work/said" "$work/left"
running="worker"; stopped=; if backup_others_run; then echo seen; fi
running="web"; if backup_others_run; then echo wrong; fi`;
    assert.deepEqual(script(`${conf}${world}`), {
      status: 0,
      text: [
        "stop id-db id-worker",
        "inspect --format {{.State.Running}} {{.State.StartedAt}} id-db id-worker",
        "stopped=id-db",
        "stopped=id-worker",
        "seen\n",
      ].join("\n"),
    });
    assert.match(script(`${conf.replace("stops=worker", "")}${world}`).text, /^stop id-db\n/);
  });

  test("what nothing stops is read until it stays as it is, each time under another run", () => {
    /** Changes that happen while it is read for the first, second, … time. */
    const read = (...changes: readonly string[]): { readonly status: number | null; readonly text: string } =>
      script(`
mkdir -p "$work/blobs/a"; echo one >"$work/blobs/a/one"
printf '%s\\n' steady=yes release=3.1.2 "data=storage $work/blobs" >"$work/shop.conf"
backup_read_conf shop; run=$work state=$work
backup_make_tree() { :; }
backup_void_begun() { echo void; }
backup_clean() { :; }
backup_send() { seen="\${seen-} $run_id"; times=$((times + 1)); case $times in ${changes.map((change, at) => `${at + 1}) ${change} ;;`).join(" ")} esac; }
sleep() { if [ "$1" != 0.1 ]; then echo "waits $1"; fi; command sleep 0.02; }
times=0 run_id=first
backup_send_steady
set -- $seen; echo "$# times, $(printf '%s\\n' "$@" | sort -u | wc -l) runs"; test "$run_id" = "$(eval "echo \\\$$#")"`);
    const again = (pause: number): string =>
      `something has changed in the files meanwhile; they are read again in ${pause} s\nvoid\nwaits ${pause}\n`;
    assert.deepEqual(read(), { status: 0, text: "1 times, 1 runs\n" });
    const changes = [
      'echo two >>"$work/blobs/a/one"',
      'rm "$work/blobs/a/one"',
      'mkdir "$work/blobs/b"',
      'mv "$work/blobs/b" "$work/blobs/c"',
    ];
    assert.deepEqual(read(...changes), {
      status: 0,
      text: `${[5, 30, 60, 300].map(again).join("")}5 times, 5 runs\n`,
    });
    const always = read(...Array.from({ length: 6 }, () => 'date >>"$work/blobs/a/one"'));
    assert.equal(always.status, 15);
    assert.match(always.text, /waits 900\n15 its files changed during each attempt\n$/);
    // Its folder is gone: what was read may be half of it.
    const moved = read('mv "$work/blobs" "$work/moved"', 'mv "$work/moved" "$work/blobs"');
    assert.deepEqual([moved.status, moved.text.startsWith(again(5))], [0, true]);
    // A copy that keeps the time of its original.
    assert.ok(read('touch -d 2020-01-01 "$work/blobs/a/one"').text.startsWith(again(5)));
  });

  test("data with a mount in it is refused", () => {
    const found = (points: readonly string[], path: string, more: string): string => {
      const lines = points.map((point) => `1 2 8:1 / ${point} rw - ext4 /dev/x rw`).join("\n");
      const { status, text } = script(`cat >"$work/mountinfo" <<'END'
${lines}
END
volume= mount= stop= steady= data='db ${path}
'
${more}
backup_refuse_mounts`);
      assert.equal(status, text === "" ? 0 : 11, text);
      return text;
    };
    const refused = (path: string, point: string): string =>
      `11 ${path}, the data of db, would not be whole: ${point} is a mount of its own\n`;
    const stop = "stop=yes";
    const snapshot = "volume=vg0/data mount=/data";
    const beside = ["/", "/data", "/data/db2", "/data/db.old/x", "/other/data/db/wal"];
    for (const more of [stop, snapshot]) {
      assert.equal(found(beside, "/data/db", more), "");
      assert.equal(
        found([...beside, "/data/db/a/wal"], "/data/db", more),
        refused("/data/db", "/data/db/a/wal"),
      );
      assert.equal(
        found([String.raw`/data/a\040\134b/w\040l`], String.raw`/data/a \b`, more),
        refused(String.raw`/data/a \b`, String.raw`/data/a\040\134b/w\040l`),
      );
    }
    // Only a dump is made: no file is read.
    assert.equal(found(["/data/db/wal"], "/data/db", ""), "");
    // What is mounted at the folder, or between it and the volume, is not in its snapshot.
    for (const point of ["/data/a/db", "/data/a"]) {
      assert.equal(found([...beside, point], "/data/a/db", stop), "");
      assert.equal(found([...beside, point], "/data/a/db", snapshot), refused("/data/a/db", point));
    }
  });
});

describe("built-in dumps", () => {
  const engines = ["postgresql", "mariadb", "mysql", "redis"] as const;
  test("what a site writes is an argument of sh, never part of its script", () => {
    for (const engine of engines) {
      const hostile = "$(id);'\"";
      const { command } = dumpCommand({ engine, user: hostile, password: "db_password" });
      assert.deepEqual(
        [command[0], command[1], command[3], command[4]],
        ["sh", "-c", hostile, "db_password"],
      );
      assert.ok(!command[2]?.includes("db_password"));
    }
  });

  /** Runs it with programs that print what they were given. */
  function run(dump: DumpSpec, environment: Readonly<Record<string, string>> = {}): string {
    const [program = "", ...args] = dumpCommand(dump).command;
    const stubs = ["pg_dumpall", "mariadb-dump", "mysqldump", "redis-cli"];
    const path = execFileSync("mktemp", ["-d"], { encoding: "utf8" }).trim();
    for (const name of stubs)
      execFileSync("sh", [
        "-c",
        `printf '%s\\n' '#!/bin/sh' 'echo "\${0##*/} $* \${PGPASSWORD-}\${MYSQL_PWD-}\${REDISCLI_AUTH-}"; touch "$TMPDIR/sealift-backup.rdb"' >"$1/$2" && chmod 0755 "$1/$2"`,
        "sh",
        path,
        name,
      ]);
    const out = execFileSync(program, [...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: `${path}:/usr/bin:/bin`, TMPDIR: path, ...environment },
    });
    execFileSync("rm", ["-r", path]);
    return out.trim();
  }

  test("the account is that of the site, or that of the image", () => {
    assert.equal(run({ engine: "postgresql" }), "pg_dumpall --no-password --username=postgres");
    assert.equal(
      run({ engine: "postgresql" }, { POSTGRES_USER: "shop" }),
      "pg_dumpall --no-password --username=shop",
    );
    assert.equal(
      run({ engine: "postgresql", user: "a b" }, { POSTGRES_USER: "shop" }),
      "pg_dumpall --no-password --username=a b",
    );
    const all = "--single-transaction --routines --events --all-databases";
    assert.equal(run({ engine: "mariadb" }), `mariadb-dump --user=root ${all}`);
    assert.equal(run({ engine: "mysql", user: "dump" }), `mysqldump --user=dump ${all}`);
    assert.equal(run({ engine: "redis" }), "");
  });

  test("a secret that is not in the container ends it before anything is dumped", () => {
    for (const engine of engines)
      assert.throws(() => run({ engine, password: "no-such-secret" }), /no-such-secret/);
  });
});

describe("what a host says about backups", () => {
  const words = `time=1764500000 snapshot=${"a1".repeat(32)} run=00ff release=1.0.0-0a0b0c0d bytes=1000 added=10 seconds=3 stopped=1200`;
  test("the last good one, and a later failure", () => {
    assert.deepEqual(parseBackupStatus(`${words} failed=1764600000,8`), {
      last: {
        ...{ at: "2025-11-30T10:53:20Z", snapshot: "a1".repeat(32), release: "1.0.0-0a0b0c0d" },
        ...{ bytes: 1000, added: 10, seconds: 3, stopped: 1200 },
      },
      failed: { at: "2025-12-01T14:40:00Z", status: 8 },
    });
    assert.deepEqual(parseBackupStatus(""), {});
  });

  test("what has another form is not believed", () => {
    for (const [from, to] of [
      ["bytes=1000", "bytes=1e9"],
      ["time=1764500000", "time=tomorrow"],
      [`snapshot=${"a1".repeat(32)}`, "snapshot=../../x"],
      ["release=1.0.0-0a0b0c0d", "release=\u001b[2J"],
      [" stopped=1200", ""],
    ] as const)
      assert.deepEqual(parseBackupStatus(words.replace(from, to)), {});
    assert.deepEqual(parseBackupStatus("failed=x,8"), {});
  });

  test("the shell passes on only lines of the known form", () => {
    const shell = (lines: string): string =>
      execFileSync("sh", [], {
        encoding: "utf8",
        input: `${library.text}\nBACKUP_STATE=$(mktemp -d); mkdir "$BACKUP_STATE/shop"; printf '%b' '${lines}' >"$BACKUP_STATE/shop/last"; echo '12 8 why' >"$BACKUP_STATE/shop/failed"; value_backup_status shop; rm -r "$BACKUP_STATE"\n`,
      });
    assert.equal(
      shell("time=5\\nsnapshot=ab\\nother=x\\nrelease=a b\\nrun=\\033[2J\\nbytes=7\\nurl=rest:https://x/\\n"),
      "time=5 snapshot=ab bytes=7 failed=12,8\n",
    );
    assert.equal(shell("time=soon\\n"), "failed=12,8\n");
  });
});

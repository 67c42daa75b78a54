/** What is decided about backups without a host: the commands, the configuration, and what a host says. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, test } from "node:test";
import { parseBackupStatus } from "../../modules/backup/client-status.ts";
import { clientSteps } from "../../modules/backup/client-steps.ts";
import { dumpCommand } from "../../modules/backup/dump-command.ts";
import type { AppBackupSpec, AppSpec, DumpSpec } from "../../modules/core/site/site-spec.ts";
import { exampleArchive, library } from "../support/fixtures/example-host.ts";

function app(name: string, backup: Partial<AppBackupSpec>): AppSpec {
  return {
    ...{ name, version: "1.0.0", keep: 2 },
    data: { web: { path: "/data/web" }, db: { path: "/data/db" } },
    backup: { at: "02:30", stop: false, dump: {}, ...backup },
    update: { order: "stop-first", monitor: 30, failure_action: "rollback", timeout: 300 },
  };
}

function steps(...apps: readonly AppSpec[]): ReturnType<typeof clientSteps> {
  return clientSteps({
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

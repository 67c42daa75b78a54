/** Which backups of a repository count, as the scripts on hosts read restic's JSON. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { library } from "../support/fixtures/example-host.ts";

/** 2026-11-29T00:00:00Z */
const now = 1_795_910_400;

/** @returns the lines of reading_good_backups for what a restic in place of the real one prints. */
function goodBackups(snapshots: readonly object[], begun = ""): readonly string[] {
  const input = `${library.text}
eval "$(backup_reading_lines)"
app=shop own=
errors=$(mktemp)
restic=answer
date() { if [ "$*" = +%s ]; then echo ${now}; else command date "$@"; fi; }
answer() { cat <<'JSON'
${JSON.stringify(snapshots)}
JSON
}
reading_good_backups '${begun}'
rm -f "$errors" "$errors".*
`;
  const { stdout, stderr } = spawnSync("sh", ["-s"], { input, encoding: "utf8" });
  assert.equal(stderr, "");
  return stdout.split("\n").filter((line) => line !== "");
}

/** @returns the ids that the maintenance of a store finds implausible. @param seen lines of the last look. */
function implausible(
  since: string,
  seen: readonly string[],
  snapshots: readonly object[],
): readonly string[] {
  const input = `${library.text}
eval "$(store_script | sed -n '/^repo_plan() {/,/^}/p')"
seen=$(mktemp)
printf '%s\\n' ${seen.map((one) => `'${one}'`).join(" ")} >"$seen"
repo_plan snapshots node-a ${now} ${since} 259200 "$seen" <<'JSON'
${JSON.stringify(snapshots)}
JSON
rm "$seen"
`;
  const { stdout, stderr } = spawnSync("sh", ["-s"], { input, encoding: "utf8" });
  assert.equal(stderr, "");
  return stdout.split("\n").flatMap((line) => /^implausible ([0-9a-f])/.exec(line)?.[1] ?? []);
}

const id = (digit: string): string => digit.repeat(64);
const snapshot = (digit: string, time: string, more: readonly string[] = []): object => ({
  ...{ time, parent: id("e"), tree: id("f"), paths: ["/data"], hostname: "node-a" },
  tags: ["app=shop", "release=1.0.0-0123abcd", `run=0${digit}`, ...more],
  ...{ summary: { total_bytes_processed: 42 }, id: id(digit), short_id: id(digit).slice(0, 8) },
});
const line = (digit: string, seconds: number): string =>
  `${seconds} ${id(digit)} 0${digit} 1.0.0-0123abcd 42`;

test("backups come in the order of their time, whatever zone each was made in", () => {
  const found = goodBackups([
    snapshot("1", "2026-11-28T03:30:00.123456789+02:00"),
    snapshot("2", "2026-11-28T01:00:00Z"),
  ]);
  assert.deepEqual(found, [line("2", 1_795_827_600), line("1", 1_795_829_400)]);
});

test("one whose run is void, or has begun and not ended, does not count", () => {
  const both = [snapshot("1", "2026-11-28T01:00:00Z"), snapshot("2", "2026-11-28T02:00:00Z")];
  const mark = { time: "2026-11-28T03:00:00Z", tags: ["app=shop", "void=02"], id: id("3") };
  assert.deepEqual(goodBackups([...both, mark]), [line("1", 1_795_827_600)]);
  assert.deepEqual(goodBackups(both, "02"), [line("1", 1_795_827_600)]);
  assert.equal(goodBackups(both).length, 2);
  assert.deepEqual(goodBackups([]), []);
});

test("no value of a snapshot is taken for another one", () => {
  const tags = [
    'x","id":"' + id("9"),
    '{"time":"2020-01-01T00:00:00Z","id":"' + id("9") + '"}',
    "x\nvoid=01",
  ];
  assert.deepEqual(goodBackups([snapshot("1", "2026-11-28T01:00:00Z", tags)]), [line("1", 1_795_827_600)]);
  const odd = { ...snapshot("1", "2026-11-28T01:00:00Z"), id: "--host" };
  assert.deepEqual(goodBackups([odd]), []);
});

test("a time in the future, and a mark that comes days later, hide no backup", () => {
  const good = snapshot("1", "2026-11-28T01:00:00Z");
  const near = snapshot("2", "2026-11-29T00:59:00Z");
  assert.deepEqual(goodBackups([good, near, snapshot("3", "2026-11-29T01:01:00Z")]), [
    line("1", 1_795_827_600),
    line("2", 1_795_913_940),
  ]);
  const old = snapshot("1", "2026-11-20T01:00:00Z");
  const mark = (time: string): object => ({ time, tags: ["app=shop", "void=01"], id: id("4") });
  assert.deepEqual(goodBackups([old, mark("2026-11-23T01:00:01Z")]), [line("1", 1_795_136_400)]);
  assert.deepEqual(goodBackups([old, mark("2026-11-23T01:00:00Z")]), []);
  assert.deepEqual(goodBackups([mark("2026-11-19T01:00:00Z"), old]), []);
});

/** Runs lines after those of reading.sh, with a restic that prints lines and ends with an exit code. */
function reads(lines: string, printed: string, exitCode = 0): string {
  const input = `${library.text}
eval "$(backup_reading_lines)"
set -eu
services='database cache'
errors=/dev/null
restic=answer
answer() { cat <<'TEXT'
${printed}
TEXT
return ${exitCode}
}
chown() { echo "chown $*"; }
chmod() { echo "chmod $*"; }
${lines} || echo failed
`;
  const { stdout, stderr } = spawnSync("sh", ["-s"], { input, encoding: "utf8" });
  assert.equal(stderr, "");
  return stdout;
}

/** As `restic ls --json` 0.19 prints it; the mode is that of Go. */
const node = (name: string, mode: number, more: object = {}): string =>
  JSON.stringify({ name, type: "dir", path: `/data/${name}`, uid: 999, gid: 70, mode, ...more });
const folderBit = 2 ** 31;

test("a restored folder gets the mode of the backup, with setuid, setgid and sticky", () => {
  const modeOf = (mode: number): string =>
    reads(
      "reading_top 0123 database /new",
      [node("data", folderBit + 0o755), node("database", mode)].join("\n"),
    );
  assert.equal(modeOf(folderBit + 0o700), "chown 999:70 /new\nchmod 00700 /new\n");
  assert.equal(modeOf(2_151_678_456), "chown 999:70 /new\nchmod 02770 /new\n");
  assert.equal(modeOf(2_148_532_735), "chown 999:70 /new\nchmod 01777 /new\n");
  assert.equal(
    modeOf(folderBit + 2 ** 23 + 2 ** 22 + 2 ** 20 + 0o5),
    "chown 999:70 /new\nchmod 07005 /new\n",
  );
});

test("whose owner or mode is not known is a failure, and nothing is guessed", () => {
  const top = "reading_top 0123 database /new";
  const whole = node("database", folderBit + 0o700);
  assert.equal(reads(top, node("other", folderBit + 0o700)), "failed\n");
  assert.equal(reads(top, node("database", 0o700)), "failed\n");
  assert.equal(reads(top, node("database", folderBit + 0o700, { uid: -1 })), "failed\n");
  assert.equal(reads(top, node("database", folderBit + 0o700, { gid: "70" })), "failed\n");
  assert.equal(reads(top, `${whole}\n${whole}`), "failed\n");
  assert.equal(reads(top, whole, 12), "failed\n");
  const quoted = node("x", folderBit, { path: '/x","path":"/data/database","mode":2147484141,"x":"' });
  assert.equal(reads(top, quoted), "failed\n");
});

test("what a backup has is known, or reading it has failed", () => {
  const held = 'reading_held 0123 && printf "%s %s\\n" "$files" "$dumps" "missing:" "$(reading_missing)"';
  assert.equal(reads(held, "/data\n/data/database\n/dump\n/dump/cache"), "database cache\nmissing: \n");
  assert.equal(reads(held, "/data\n/data/database\n/data/other"), "database\nother \nmissing: cache\n");
  assert.equal(reads(held, "/data\n/data/database", 1), "failed\n");
});

test("a store believes no backup from long before its last look; a copy none from long before the latest copied one", () => {
  const [known, backlog, forged] = [
    snapshot("1", "2026-11-20T01:00:00Z"),
    snapshot("2", "2026-11-22T01:00:00Z"),
    snapshot("3", "2026-11-16T23:00:00Z"),
  ];
  const seen = [`${id("1")} ${now - 700_000}`];
  const yesterday = String(now - 86_400);
  assert.deepEqual(implausible(yesterday, seen, [forged, backlog, known]), ["3", "2"]);
  assert.deepEqual(implausible("copied", seen, [forged, backlog, known]), ["3"]);
  // An application of which there is no copy yet, and a repository that is new.
  const other = { ...snapshot("4", "2026-01-01T00:00:00Z"), tags: ["app=other", "run=04"] };
  assert.deepEqual(implausible("copied", seen, [other, known]), []);
  assert.deepEqual(implausible("0", [], [forged, backlog, known]), []);
  // What is implausible itself makes nothing else so.
  const marked = [`${id("1")} ${now - 900_000}`, `${id("5")} ${now - 90_000} implausible`];
  const future = snapshot("5", "2026-12-20T00:00:00Z");
  assert.deepEqual(implausible("copied", marked, [future, backlog, known]), ["5"]);
});

/** Which backups of a repository count, as the scripts on hosts read restic's JSON. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { library } from "../support/fixtures/example-host.ts";

/** @returns the lines of reading_good_backups for what a restic in place of the real one prints. */
function goodBackups(snapshots: readonly object[], begun = ""): readonly string[] {
  const input = `${library.text}
eval "$(backup_reading_lines)"
app=shop
errors=$(mktemp)
restic=answer
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

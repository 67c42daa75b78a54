import assert from "node:assert/strict";
import { test } from "node:test";
import { parseReport } from "../../modules/core/host/report.ts";

test("the lines of run.sh become steps; other lines are for people", () => {
  const text = [
    "ok\tusers.group\tgroup docker exists\t",
    "  | useradd: warning",
    "drift\tvolumes.data\tvolume vg0/data is 4 GiB\tno such volume",
    "strange\tx\ty\tz",
    "done 62ff67b1 26",
    "",
  ].join("\n");
  assert.deepEqual(parseReport(text), {
    revision: { machine: "62ff67b1", journalLines: 26 },
    steps: [
      { status: "ok", code: "users.group", fact: "group docker exists", found: "" },
      { status: "drift", code: "volumes.data", fact: "volume vg0/data is 4 GiB", found: "no such volume" },
    ],
  });
});

test("a truncated report is not complete", () => {
  assert.equal(parseReport("ok\ta\tb\tc\ndone 62ff").revision, undefined);
});

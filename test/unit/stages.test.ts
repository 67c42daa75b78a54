import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { inSeconds, plainView } from "../support/process/stage-view.ts";
import { runStages } from "../support/process/stages.ts";
import { table } from "../support/process/table.ts";

test("without a terminal a stage is two lines, and one every ten seconds in between", () => {
  const lines: string[] = [];
  const view = plainView("[1/2]", (line) => lines.push(line));
  view.start("the image is there");
  view.progress(9.9, "unpacks", 0.1);
  view.progress(10, "unpacks", 0.25);
  view.progress(19.9, "unpacks", 0.5);
  view.progress(75, "");
  view.done("the image is there", 80, "from cache");
  assert.deepEqual(lines, [
    "[1/2] the image is there ...",
    "[1/2]   10 s  25 %  unpacks",
    "[1/2]   1 min 15 s",
    "[1/2]   done in 1 min 20 s: from cache",
  ]);
});

test("stages run in their order, report what they say about themselves, and are measured", async () => {
  const lines = await printed(async () => {
    const order: string[] = [];
    const times = await runStages([
      { title: "one", skip: () => "already there", run: () => Promise.reject(new Error("it ran")) },
      { title: "two", run: (report) => (report("works", 0.5), order.push("two"), Promise.resolve("made")) },
      { title: "three", run: () => Promise.resolve(order.push("three")) },
    ]);
    assert.deepEqual(order, ["two", "three"]);
    assert.deepEqual(
      times.map(({ title, note, seconds }) => [title, note, seconds >= 0]),
      [
        ["one", "already there", true],
        ["two", "made", true],
        ["three", undefined, true],
      ],
    );
  });
  assert.equal(lines[0], "[1/3] one: already there");
  assert.equal(lines[1], "[2/3] two ...");
  assert.match(lines[2] ?? "", /^\[2\/3\] {3}done in [\d.]+ s: made$/);
});

test("the first stage that fails ends the run, with its own error", async () => {
  const lines = await printed(async () => {
    const stages = runStages([
      { title: "one", run: () => Promise.reject(new Error("no disk")) },
      { title: "two", run: () => Promise.resolve() },
    ]);
    await assert.rejects(stages, /^Error: no disk$/);
  });
  assert.match(lines.join("\n"), /^\[1\/2\] one \.\.\.\n\[1\/2\] {3}failed after [\d.]+ s$/);
});

test("a table has aligned columns, figures to the right, no trailing blanks", () => {
  const rows = [
    ["first up", "9.1 s", ""],
    ["no-op up", "12.4 s", "unchanged"],
  ];
  assert.equal(table(rows), "first up   9.1 s\nno-op up  12.4 s  unchanged");
  assert.equal(table([]), "");
});

test("seconds become minutes when there are enough of them", () => {
  assert.deepEqual([0.04, 59.9, 61.5, 3600].map(inSeconds), ["0.0 s", "59.9 s", "1 min 1 s", "60 min 0 s"]);
});

/** What is printed meanwhile, as without a terminal. */
async function printed(run: () => Promise<void>): Promise<readonly string[]> {
  process.env["CI"] = "true";
  const log = mock.method(console, "log", () => undefined);
  try {
    await run();
    return log.mock.calls.map(({ arguments: [line] }) => String(line));
  } finally {
    log.mock.restore();
  }
}

/** A host that means harm to the operator's program: however it behaves, it is one unreachable host with a reason, and no exception. */
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { shownKey } from "../../modules/host-keys.ts";
import { probe, type Probe } from "../../modules/core/probe.ts";
import { parseReport } from "../../modules/core/report.ts";
import { planText } from "../../modules/core/step.ts";
import { exampleHost, examplePhases, library } from "../support/example-host.ts";
import { libraryCall } from "../support/library-call.ts";
import { refused } from "../support/refused.ts";

const folder = mkdtempSync(join(tmpdir(), "sealift-host-"));
const before = process.env["PATH"] ?? "";
process.env["PATH"] = `${folder}${delimiter}${before}`;
after(() => {
  process.env["PATH"] = before;
  rmSync(folder, { recursive: true });
});

/** What a look gives at a host whose ssh does this. */
async function lookAt(text: string): Promise<Probe> {
  writeFileSync(join(folder, "ssh"), `#!/bin/sh\n${text}\n`);
  chmodSync(join(folder, "ssh"), 0o755);
  return probe(exampleHost(), [examplePhases().users], library);
}

const hostile: Readonly<Record<string, string>> = {
  "sends without an end": "exec cat /dev/zero",
  "sends lines without an end": "exec yes 'ok\tx\ty\tz'",
  "sends errors without an end": "exec cat /dev/zero >&2",
  "says nothing of what it was asked": "echo hello",
  "says escapes": "printf '\\033]0;owned\\007\\033[2J' >&2; exit 1",
};
for (const [what, text] of Object.entries(hostile))
  test(`a host that ${what} is unreachable, and it is said why`, async () => {
    const seen = await lookAt(text);
    assert.equal(seen.kind, "unreachable");
    const said = formatProblem(seen.problem);
    assert.ok(said.length < 1000, `${said.length} characters`);
    assert.doesNotMatch(said, /\p{Cc}/u);
    if (what.includes("without an end")) assert.match(said, /the host has sent more than 8 MiB for a report/);
  });

test("no control character of a report comes any farther, and a line is as long as a line may be", () => {
  const escape = "\u001b[2J\u009b\u202e";
  const report = parseReport(
    [
      `drift\ta.b\tfact${escape}\tfound${escape}\tnone`,
      `value\tregistry.ca\tMII${escape}`,
      `drift\ta.c\tfact\t${"x".repeat(20_000)}\tnone`,
      "done 62ff67b1 4",
    ].join("\n"),
  );
  assert.doesNotMatch(JSON.stringify(report), /\\u00|\u009b|\u202e|\p{Cc}/u);
  assert.deepEqual(
    report.steps.map(({ code }) => code),
    ["a.b"],
  );
  // What a host says may be an argument of another host's plan, where a control character ends the program.
  const value = report.values?.["registry.ca"] ?? "";
  assert.doesNotThrow(() =>
    planText(
      "b",
      { name: "t", steps: [{ code: "t.x", fact: "x", effect: "none", call: ["x", value] }] },
      { serial: 1 },
    ),
  );
});

test("a host that shows keys without an end has none", async () => {
  writeFileSync(join(folder, "ssh-keyscan"), "#!/bin/sh\nexec yes 'a ssh-ed25519 AAAA'\n");
  chmodSync(join(folder, "ssh-keyscan"), 0o755);
  const [problem] = await refused(shownKey("127.0.0.1", 22));
  assert.match(formatProblem(problem ?? assert.fail()), /E_HOST_UNREACHABLE host key: got no answer/);
});

test("what a run has said goes into Pulumi's state up to a bound", () => {
  writeFileSync(join(folder, "report"), "x".repeat(2 ** 21));
  assert.equal(
    libraryCall("/nowhere", `apart_folder=${folder}\napart_report | wc -c`).trim(),
    `0 ${2 ** 20}`,
  );
});

test("a report is read up to so many lines", () => {
  const many = "ok\ta\tb\tc\n".repeat(200_000);
  assert.equal(parseReport(many).steps.length, 20_000);
});

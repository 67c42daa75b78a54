/** A host that means harm to the operator's program: however it behaves, it is one unreachable host with a reason, and no exception. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { shownKey } from "../../modules/host-keys.ts";
import { probe, type Probe } from "../../modules/core/probe.ts";
import { afterSilence } from "../../modules/core/silence.ts";
import { checkOf } from "../../modules/preflight/checks.ts";
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

/** A whole report with these lines in it. */
function said(...lines: readonly string[]): string {
  return `printf '%s\\n' ${[...lines, "done 62ff67b1 4"].map((line) => `'${line}'`).join(" ")}`;
}

const hostile: Readonly<Record<string, string>> = {
  "sends without an end": "exec cat /dev/zero",
  "sends lines without an end": "exec yes 'ok\tx\ty\tz'",
  "sends errors without an end": "exec cat /dev/zero >&2",
  "says nothing of what it was asked": "echo hello",
  "speaks of a check that there is none of": said("drift\tpreflight.nope\tx\ty\tnone"),
  "speaks of what every object has": said("drift\tpreflight.constructor\tx\ty\tnone"),
  "speaks of a fact of somebody else": said("refused\tengine.files\tx\tE_HOME because; z"),
  "says one fact twice": said("ok\tusers.group\tx\t", "drift\tusers.group\tx\tno group\tnone"),
  "says one value twice": said("value\tusers.group\ta", "value\tusers.group\tb"),
  "tells a value of what nobody asked": said("value\tregistry.ca\tMIIC"),
  "says escapes": "printf '\\033]0;owned\\007\\033[2J' >&2; exit 1",
};
for (const [what, text] of Object.entries(hostile))
  test(`a host that ${what} is unreachable, and it is said why`, async () => {
    const seen = await lookAt(text);
    assert.equal(seen.kind, "unreachable");
    const said = formatProblem(seen.problem);
    assert.ok(said.length < 1000, `${said.length} characters`);
    assert.doesNotMatch(said, /\p{Cc}/u);
    if (what.includes("twice"))
      assert.match(said, /E_PROBE .* got a report that says "users\.group" twice; /);
    if (text.startsWith("printf '%s")) assert.match(said, /; find out |find out who writes into its reports/);
    if (what.includes("without an end")) assert.match(said, /the host has sent more than 8 MiB for a report/);
  });

test("a fact is what the plan says, whatever word a host has for it", async () => {
  const seen = await lookAt(said("drift\tusers.group\tall is well\tno group\tnone"));
  assert.equal(seen.kind, "reached");
  const [fact] = examplePhases().users.steps;
  assert.deepEqual(
    seen.report.steps.map((step) => step.fact),
    [fact?.fact],
  );
});

test("a code that is of no check has no row of the table", () => {
  assert.ok(checkOf("preflight.os"));
  for (const code of [
    "preflight.nope",
    "preflight.constructor",
    "preflight.__proto__",
    "preflight",
    "users.os",
  ])
    assert.equal(checkOf(code), undefined, code);
});

test("a report costs time as it is long, whatever stands in it", () => {
  const cost = (report: string): number => {
    const { user } = process.cpuUsage();
    parseReport(report);
    return process.cpuUsage().user - user;
  };
  const lines = (word: string): string => `drift\ta.b\tx\t${word.repeat(4000)}\tnone\n`.repeat(20);
  const plain = Math.max(cost(lines("abcd")), 10_000);
  for (const word of ["://:", "://:a", "://a:b", "://a:b/", "@://", ":1a@"])
    assert.ok(cost(lines(word)) < 50 * plain, word);
});

test("a finding is as long as a finding may be, and shows no part of a login that was cut", () => {
  const url = `https://${"u".repeat(390)}:secret@proxy.site/`;
  const [step] = parseReport(`drift\ta.b\tx\t${url}${"x".repeat(9000)}\tnone`).steps;
  assert.equal(step?.found.length, 400);
  assert.match(step.found, /^https:\/\/\*\*\*@proxy\.site\//);
});

test("who was busy elsewhere reads what has arrived before somebody is given up", async () => {
  const file = join(folder, "said");
  const child = spawn("sh", ["-c", `read -r _; echo word; : >${file}; exec sleep 600`]);
  try {
    await once(child, "spawn");
    let gone = false;
    const silence = afterSilence(20, () => (gone = true));
    const heard = once(child.stdout, "data");
    child.stdout.on("data", silence.heard);
    child.stdin.write("go\n");
    await new Promise(setImmediate);
    // Nobody reads meanwhile, and the time is over when somebody does.
    const began = performance.now();
    while (performance.now() - began < 40 || !existsSync(file));
    await heard;
    assert.equal(gone, false);
    await new Promise((done) =>
      afterSilence(1, () => {
        done(undefined);
      }),
    );
    silence.end();
  } finally {
    child.kill();
  }
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

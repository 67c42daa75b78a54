/** A malicious host: however it behaves, it is one unreachable host with a reason, and no exception. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { shownKey } from "../../modules/environments/host-keys.ts";
import { probe, type Probe } from "../../modules/core/host/probe.ts";
import { idleTimeout } from "../../modules/core/idle-timeout.ts";
import { checkOf } from "../../modules/preflight/checks.ts";
import { parseReport } from "../../modules/core/host/report.ts";
import { planText } from "../../modules/core/host/step.ts";
import { exampleHost, examplePhases, library } from "../support/fixtures/example-host.ts";
import { libraryCall } from "../support/guests/library-call.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";

const folder = mkdtempSync(join(tmpdir(), "sealift-host-"));
const before = process.env["PATH"] ?? "";
process.env["PATH"] = `${folder}${delimiter}${before}`;
after(() => {
  process.env["PATH"] = before;
  rmSync(folder, { recursive: true });
});

/** The result of a probe of a host whose ssh does this. */
async function probeOf(text: string): Promise<Probe> {
  writeFileSync(join(folder, "ssh"), `#!/bin/sh\n${text}\n`);
  chmodSync(join(folder, "ssh"), 0o755);
  return probe(exampleHost(), [examplePhases().users], library);
}

/** A whole report with these lines in it. */
function probeOutput(...lines: readonly string[]): string {
  return `printf '%s\\n' ${[...lines, "done 62ff67b1 4"].map((line) => `'${line}'`).join(" ")}`;
}

const hostile: Readonly<Record<string, string>> = {
  "sends without an end": "exec cat /dev/zero",
  "sends lines without an end": "exec yes 'ok\tx\ty\tz'",
  "sends errors without an end": "exec cat /dev/zero >&2",
  "says nothing of what it was asked": "echo hello",
  "speaks of a check that there is none of": probeOutput("drift\tpreflight.nope\tx\ty\tnone"),
  "speaks of what every object has": probeOutput("drift\tpreflight.constructor\tx\ty\tnone"),
  "speaks of a fact of somebody else": probeOutput("refused\tengine.files\tx\tE_HOME because; z"),
  "says one fact twice": probeOutput("ok\tusers.group\tx\t", "drift\tusers.group\tx\tno group\tnone"),
  "says one value twice": probeOutput("value\tusers.group\ta", "value\tusers.group\tb"),
  "tells a value of what nobody asked": probeOutput("value\tregistry.ca\tMIIC"),
  "says escapes": "printf '\\033]0;owned\\007\\033[2J' >&2; exit 1",
};
for (const [what, text] of Object.entries(hostile))
  test(`a host that ${what} is unreachable, with the reason`, async () => {
    const result = await probeOf(text);
    assert.equal(result.kind, "unreachable");
    const probeOutput = formatProblem(result.problem);
    assert.ok(probeOutput.length < 1000, `${probeOutput.length} characters`);
    assert.doesNotMatch(probeOutput, /\p{Cc}/u);
    if (what.includes("twice"))
      assert.match(probeOutput, /E_PROBE .* found: a report with two lines for "users\.group"; /);
    if (text.startsWith("printf '%s")) assert.match(probeOutput, /find out what writes into its reports/);
    if (what.includes("without an end"))
      assert.match(probeOutput, /the host sent a report of more than 8 MiB/);
  });

test("a fact is what the plan says, whatever the host calls it", async () => {
  const result = await probeOf(probeOutput("drift\tusers.group\tall is well\tno group\tnone"));
  assert.equal(result.kind, "reached");
  const [fact] = examplePhases().users.steps;
  assert.deepEqual(
    result.report.steps.map((step) => step.fact),
    [fact?.fact],
  );
});

test("a code that belongs to no check has no row of the table", () => {
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

test("parsing a report takes linear time, whatever it contains", () => {
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

test("a finding has a maximum length, and shows no part of a truncated login", () => {
  const url = `https://${"u".repeat(390)}:secret@proxy.site/`;
  const [step] = parseReport(`drift\ta.b\tx\t${url}${"x".repeat(9000)}\tnone`).steps;
  assert.equal(step?.found.length, 400);
  assert.match(step.found, /^https:\/\/\*\*\*@proxy\.site\//);
});

test("a busy reader reads what has arrived before a host times out", async () => {
  const file = join(folder, "said");
  const child = spawn("sh", ["-c", `read -r _; echo word; : >${file}; exec sleep 600`]);
  try {
    await once(child, "spawn");
    let gone = false;
    const silence = idleTimeout(20, () => (gone = true));
    const heard = once(child.stdout, "data");
    child.stdout.on("data", silence.active);
    child.stdin.write("go\n");
    await new Promise(setImmediate);
    // Nobody reads meanwhile, and the time is over when somebody does.
    const began = performance.now();
    while (performance.now() - began < 40 || !existsSync(file));
    await heard;
    assert.equal(gone, false);
    await new Promise((done) =>
      idleTimeout(1, () => {
        done(undefined);
      }),
    );
    silence.end();
  } finally {
    child.kill();
  }
});

test("no control character of a report is passed on, and a line has a maximum length", () => {
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

test("a host that presents endless keys has none", async () => {
  writeFileSync(join(folder, "ssh-keyscan"), "#!/bin/sh\nexec yes 'a ssh-ed25519 AAAA'\n");
  chmodSync(join(folder, "ssh-keyscan"), 0o755);
  const [problem] = await assertRefused(shownKey("127.0.0.1", 22));
  assert.match(formatProblem(problem ?? assert.fail()), /E_HOST_UNREACHABLE host key: found: no response/);
});

test("the output of a run is stored in Pulumi's state up to a limit", () => {
  writeFileSync(join(folder, "report"), "x".repeat(2 ** 21));
  assert.equal(
    libraryCall("/nowhere", `detached_folder=${folder}\ndetached_report 0 | wc -c`).trim(),
    `0 ${2 ** 20}`,
  );
});

test("a report is read up to a maximum number of lines", () => {
  const many = "ok\ta\tb\tc\n".repeat(200_000);
  assert.equal(parseReport(many).steps.length, 20_000);
});

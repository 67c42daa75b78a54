import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { deliveryPhase } from "../../modules/core/host/delivery.ts";
import { parseReport } from "../../modules/core/host/report.ts";
import { type BundleAge, planText, type Step } from "../../modules/core/host/step.ts";
import { visible } from "../../modules/core/visible.ts";

/** The runner itself, with steps about files in a folder; phases are tested on guests. */
const folder = mkdtempSync(join(tmpdir(), "sealift-run-"));
after(() => {
  rmSync(folder, { recursive: true });
});

const runner = ["run.sh", "lib/frozen.sh", "host-lock.sh", "delivery.sh"]
  .map((file) => readFileSync(new URL(`../../modules/core/host/${file}`, import.meta.url), "utf8"))
  .join("\n")
  .replace("SEALIFT_STATE=/var/lib/sealift", `SEALIFT_STATE=${folder}/state`)
  .replace(/^SEALIFT_WRITES=.*$/m, "SEALIFT_WRITES=$SEALIFT_STATE");
const pairs = `
check_file() { if [ "$(cat "$1" 2>/dev/null)" != "$2" ]; then echo "found $(cat "$1" 2>/dev/null || echo nothing)"; return 1; fi; }
apply_file() { printf '%s\\n' "$2" >"$1"; }
check_never() { echo "first line
second	line"; return 1; }
apply_never() { false; echo "set -e did not hold"; }
check_escape() { printf '\\033[2Jred\\r'; return 1; }
apply_escape() { printf '\\033[2Jred\\r'; return 1; }
check_raw() { cat "$1"; return 1; }
apply_raw() { cat "$1"; return 1; }
check_half() { [ -f "$1" ] || { echo absent; return 1; }; warn E_X "a half is left" "do it yourself"; }
apply_half() { : >"$1"; }
check_noted() { if [ "$1" = yes ]; then warn E_X "worth a word" "read it"; fi; }
apply_noted() { echo never >"$1"; return 1; }
check_made() { [ -f "$1" ] || { echo absent; return 1; }; }
apply_made() { echo "what is in $1" >"$1"; }
value_made() { cat "$1"; }
check_greedy() { cat; }
apply_greedy() { :; }
`;

function run(
  mode: "check" | "apply",
  steps: readonly Step[],
  bundle: BundleAge = { serial: 7 },
  /** Functions in place of those of the library. */
  instead = "",
): ReturnType<typeof parseReport> & { text: string; code: number | null } {
  const plan = planText("node-a", { name: "t", steps }, bundle);
  const lock = runner.replace("/run/sealift/lock/host", `${folder}/lock/host`);
  const { stdout, status } = spawnSync("sh", ["-s"], {
    input: `${lock}\n${pairs}\n${instead}\nrun ${mode} <<'PLAN'\n${plan}PLAN\n`,
    encoding: "utf8",
  });
  return { ...parseReport(stdout), text: stdout, code: status };
}
const file = (name: string, content: string): Step => ({
  code: `t.${name}`,
  fact: `${name} says ${content}`,
  effect: "none",
  call: ["file", join(folder, name), content],
});
const never: Step = { code: "t.never", fact: "it is so", effect: "none", call: ["never"] };
const statuses = ({ steps }: { steps: readonly { status: string }[] }): string =>
  steps.map(({ status }) => status).join(" ");

test("check reports what differs and changes nothing", () => {
  const report = run("check", [file("a", "1"), never]);
  assert.equal(statuses(report), "drift drift");
  assert.equal(report.revision?.journalLines, 0);
  assert.equal(report.steps[1]?.found, "first line second line", "a finding is one line of the format");
  assert.equal(statuses(run("check", [file("a", "1")])), "drift");
});

test("nothing is reported as changed before it and its line in the journal are on disk", () => {
  const journal = join(folder, "state", "journal");
  const onDisk = "t.disk";
  const disk = (code: number): string =>
    `on_disk() { grep -c "${onDisk}" "${journal}" >"${folder}/noted"; echo "a full disk"; return ${code}; }`;
  const reported = run("apply", [{ ...file("disk", "1"), code: onDisk }], { serial: 7 }, disk(0));
  assert.equal(statuses(reported), "changed");
  assert.equal(readFileSync(join(folder, "noted"), "utf8"), "1\n");
  const lost = run("apply", [{ ...file("disk", "2"), code: onDisk }], { serial: 7 }, disk(1));
  assert.equal(statuses(lost), "failed");
  assert.match(lost.text, /E_STEP_FAILED t\.disk: found: a full disk; expected: disk says 2; /);
});

test("a finding has no control character, whatever a program has printed", () => {
  const step: Step = { code: "t.escape", fact: "it is quiet", effect: "none", call: ["escape"] };
  for (const mode of ["check", "apply"] as const) {
    const { text } = run(mode, [step]);
    assert.match(text, /\[2Jred/);
    assert.doesNotMatch(text.replaceAll(/[\n\t]/g, ""), /\p{Cc}/u);
  }
});

/** The output of a program as a host reports it in a probe and in a failed run. */
function shownOf(bytes: Buffer): {
  readonly found: string;
  readonly effect: string | undefined;
  readonly text: string;
} {
  writeFileSync(join(folder, "raw"), bytes);
  const raw: Step = {
    code: "t.raw",
    fact: "it is quiet",
    effect: "restart",
    call: ["raw", join(folder, "raw")],
  };
  const [step] = run("check", [raw]).steps;
  return { found: step?.found ?? "", effect: step?.effect, text: run("apply", [raw]).text };
}

test("a finding has nothing that moves a cursor, hides or reorders text, nor bytes that are not UTF-8", () => {
  const attacks: Record<string, number[]> = {
    "CSI of C1": [0xc2, 0x9b, 0x32, 0x4a],
    "CSI of C1 in one byte": [0x9b, 0x32, 0x4a],
    "an override": [0xe2, 0x80, 0xae],
    "an isolate": [0xe2, 0x81, 0xa7],
    "a letter that is shown as nothing": [0xe3, 0x85, 0xa4],
    "a tag": [0xf3, 0xa0, 0x81, 0x81],
    "halves that make one when what is between them goes": [0xc2, 0x01, 0x9b],
    "halves with a byte between them": [0xc2, 0xff, 0x9b],
    "too long for its character": [0xe0, 0x82, 0x9b],
    "half of a pair": [0xed, 0xa0, 0x80],
    "the beginning of a character": [0xe2, 0x80],
  };
  for (const [name, bytes] of Object.entries(attacks)) {
    const { found, effect, text } = shownOf(Buffer.from([0x61, ...bytes, 0x7a]));
    assert.match(found, /^a(2J)?z$/, name);
    assert.equal(effect, "restart", "the words behind a finding stay on its line");
    assert.match(text, /: found: a(2J)?z; expected: it is quiet; /, name);
    assert.doesNotMatch(text.replaceAll(/[\n\t]/g, ""), /[^ -~]/, name);
  }
  const long = shownOf(Buffer.from(`${"x".repeat(399)}ä`)).found;
  assert.equal(long, "x".repeat(399), "it is not cut within a character");
});

test("both sides hide the same characters, and every other one passes", () => {
  const all: string[] = [];
  const dense = (code: number): boolean =>
    code < 0x10000 || (code >= 0x1bc00 && code < 0x1d200) || (code >= 0xdff00 && code < 0xe1100);
  for (let code = 0x20; code <= 0x10ffff; code += dense(code) ? 1 : 61)
    if (code !== 0x7f && (code < 0xd800 || code > 0xdfff)) all.push(String.fromCodePoint(code));
  const input = `${runner}\nplain_text <"${join(folder, "all")}"\n`;
  // In lines, as a stream editor likes its input.
  const lines = all.map((character, index) => (index % 64 === 63 ? `${character}\n` : character));
  writeFileSync(join(folder, "all"), lines.join(""));
  const { stdout } = spawnSync("sh", ["-s"], { input, encoding: "utf8", maxBuffer: 16_777_216 });
  const passes = all.filter((character) => visible(character) === character);
  assert.ok(passes.length > 65_000);
  const [expected, found] = [new Set(passes), new Set(stdout)];
  const differ = all.filter((character) => expected.has(character) !== found.has(character));
  assert.deepEqual(
    differ.slice(0, 20).map((character) => character.codePointAt(0)?.toString(16)),
    [],
  );
});

test("a manual task after a change is a warning, and the change is recorded", () => {
  const half: Step = {
    code: "t.half",
    fact: "all is there",
    effect: "none",
    call: ["half", join(folder, "half")],
  };
  const report = run("apply", [half, file("h", "1")]);
  assert.equal(statuses(report), "warn changed");
  assert.equal(report.steps[0]?.found, "E_X a half is left; fix: do it yourself");
  assert.match(
    readFileSync(join(folder, "state", "journal"), "utf8"),
    / changed t t\.half .* found: absent$/m,
  );
});

test("apply makes the fact true and reports it; the second time it holds already", () => {
  const steps = [file("b", "it's $HOME"), file("c", "2")];
  assert.equal(statuses(run("apply", steps)), "changed changed");
  assert.equal(statuses(run("apply", steps)), "ok ok");
  assert.equal(readFileSync(join(folder, "b"), "utf8"), "it's $HOME\n");
});

test("apply stops at the first step that fails; set -e is active inside it", () => {
  const report = run("apply", [file("d", "1"), never, file("e", "1")]);
  assert.equal(statuses(report), "changed failed");
  assert.equal(report.revision, undefined);
  assert.equal(report.code, 1);
  assert.doesNotMatch(report.text, /set -e did not hold/);
  assert.match(report.text, /^node-a t: E_STEP_FAILED t\.never: found: .*; expected: it is so; /m);
  assert.equal(statuses(run("check", [file("e", "1")])), "drift");
});

test("a warning is reported and left as it is, and later steps run", () => {
  const noted: Step = { code: "t.noted", fact: "nothing is odd", effect: "none", call: ["noted", "yes"] };
  for (const mode of ["check", "apply"] as const) {
    const report = run(mode, [noted, file("b", "it's $HOME")]);
    assert.equal(statuses(report), "warn ok");
    assert.equal(report.steps[0]?.found, "E_X worth a word; fix: read it");
  }
});

test("a name with a backslash is reported completely, and so is what follows", () => {
  const name = String.raw`CORP\carol, \0101\tom`;
  const noted: Step = { code: "t.noted", fact: "nothing is odd", effect: "none", call: ["noted", "yes"] };
  const instead = `check_noted() { warn E_X "members: ${name.replaceAll("\\", "\\\\")}" "name them"; }`;
  assert.equal(
    run("check", [noted], undefined, instead).steps[0]?.found,
    `E_X members: ${name}; fix: name them`,
  );
});

test("a command that reads its input gets nothing of the plan", () => {
  const greedy: Step = { code: "t.greedy", fact: "it reads", effect: "none", call: ["greedy"] };
  const report = run("check", [greedy, file("b", "it's $HOME")]);
  assert.equal(statuses(report), "ok ok");
  assert.equal(report.steps[0]?.found, "");
});

test("the journal records what was done, by which bundle, and what was found", () => {
  const journal = readFileSync(join(folder, "state", "journal"), "utf8");
  assert.match(
    journal,
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ changed t t\.b bundle=7 login=\S+ found: found nothing$/m,
  );
  assert.match(journal, / failed t t\.never bundle=7 /);
  assert.doesNotMatch(journal, / t\.a /, "a check leaves no entry");
});

test("a step that others wait for reports its value if it holds, and only then", () => {
  const made: Step = {
    code: "t.made",
    fact: "it is made",
    effect: "none",
    call: ["made", join(folder, "made")],
  };
  assert.equal(run("check", [made]).values, undefined);
  const value = { "t.made": `what is in ${join(folder, "made")}` };
  assert.deepEqual(run("apply", [made]).values, value, "when it has just been made");
  assert.deepEqual(run("apply", [made]).values, value, "when it was made before");
  assert.deepEqual(run("check", [made]).values, value);
});

test("a bundle older than the last one in the journal is refused, by a probe and by a run, unless the operator accepted it", () => {
  const one = { sha256: "0".repeat(64), bytes: 1, text: "" };
  const checked = (bundle: BundleAge): string => {
    const [first] = run("check", deliveryPhase(one, [], [], bundle).steps).steps;
    return `${first?.status ?? ""} ${first?.found ?? ""}`;
  };
  let changes = 0;
  const ran = (bundle: BundleAge): string => {
    changes += 1;
    const { code, text } = run("apply", [file("f", String(changes))], bundle);
    return `${code} ${/E_BUNDLE_SERIAL.*/.exec(text)?.[0] ?? statuses(parseReport(text))}`;
  };
  assert.equal(ran({ serial: 9 }), "0 changed");
  const remedy =
    "fix: use the newest bundle, or accept the older one with sealift bundle accept --insecure-allow-older";
  const older = "bundle 8 is older than bundle 9, the last one used on this host";
  assert.equal(checked({ serial: 8 }), `refused E_BUNDLE_SERIAL ${older}; ${remedy}`);
  const refusal = `1 E_BUNDLE_SERIAL bundle: found: ${older}; expected: a bundle that is not older; ${remedy}`;
  assert.equal(ran({ serial: 8 }), refusal);
  assert.equal(ran({ serial: 8, backFrom: 8 }), refusal, "somebody went back, but not from there");
  // What a host has found stands behind the serial, and cannot be one.
  appendFileSync(
    join(folder, "state", "journal"),
    "2026-01-01T00:00:00Z changed t t.f bundle=9 login=x found: bundle=1 a\n",
  );
  assert.equal(ran({ serial: 8 }), refusal);
  assert.equal(checked({ serial: 8, backFrom: 9 }), "ok ");
  assert.equal(checked({ serial: 2, backFrom: "any" }), "ok ");
  assert.equal(checked({ serial: 9 }), "ok ");
  assert.equal(ran({ serial: 2, backFrom: "any" }), "0 changed");
  assert.equal(ran({ serial: 3 }), "0 changed", "from there it goes on");
  assert.match(ran({ serial: 2 }), /^1 E_BUNDLE_SERIAL .* bundle 3, the last one used on this host/);
});

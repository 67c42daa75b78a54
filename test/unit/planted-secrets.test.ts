/** Existing files and command lines on a host may contain secrets: no finding, journal or message has them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { describeDifference } from "../../modules/core/host/drift.ts";
import { formatProblem } from "../../modules/core/errors.ts";
import { quote } from "../../modules/core/quote.ts";
import { parseReport } from "../../modules/core/host/report.ts";
import { planText } from "../../modules/core/host/step.ts";
import { visible } from "../../modules/core/visible.ts";
import { markup } from "../../modules/receipt/markup.ts";
import { printable } from "../../offline-bundle/io/printable.ts";
import { library } from "../support/fixtures/example-host.ts";
import { libraryCall } from "../support/guests/library-call.ts";
import { changed, problemsOf } from "../support/fixtures/site-text.ts";

const folder = mkdtempSync(join(tmpdir(), "sealift-planted-"));
after(() => {
  rmSync(folder, { recursive: true });
});
const secret = "S3CRET";

/** A URL as it may stand in a finding or a message, and as it is shown. */
const urls: readonly [written: string, shown: string][] = [
  [`http://me:${secret}@proxy:3128`, "http://***@proxy:3128"],
  [`http://${secret}@proxy:3128/a`, "http://***@proxy:3128/a"],
  [`https://me:p@${secret}@proxy/a?b=c`, "https://***@proxy/a?b=c"],
  [`http://me:a/${secret}@proxy`, "http://***@proxy"],
  [`"http://me:${secret}@a" and <http://me:${secret}@b>`, '"http://***@a" and <http://***@b>'],
  ["https://files.example:8443/@scope/a@1.tgz", "https://files.example:8443/@scope/a@1.tgz"],
  ["https://[::1]:5000/a@b", "https://[::1]:5000/a@b"],
  ["docker.io/a/b:1@sha256:00ff, ops@node-a", "docker.io/a/b:1@sha256:00ff, ops@node-a"],
];

test("no URL shows its user and password, wherever it is printed, here and on a host", () => {
  for (const [written, shown] of urls) {
    assert.equal(visible(written), shown);
    assert.equal(libraryCall("/nowhere", `printf '%s' ${quote(written)} | without_logins`), `0 ${shown}`);
    assert.ok(!printable(`${"x".repeat(80)} ${written}`).includes(secret));
    assert.ok(!markup`${written}`.text.includes(secret));
    const step = { code: "t.a", fact: "a", effect: "none", call: ["a"] } as const;
    assert.ok(!describeDifference({ step, found: written, effect: "none" }).includes(secret));
    assert.ok(!JSON.stringify(parseReport(`drift\tt.a\ta\t${written}\tnone\n`)).includes(secret));
  }
});

test("a run prints no login of a URL, nor does its journal, which only root can read", () => {
  const state = join(folder, "state");
  const pairs = `check_file() { echo "found http://me:${secret}@proxy" && [ -e ${folder}/made ]; }\napply_file() { : >${folder}/made; }\ncheck_bad() { echo x; return 1; }\napply_bad() { echo "proxy http://me:${secret}@proxy
line two of https://${secret}@b"; return 1; }\n`;
  const step = (name: string) => ({
    code: `t.${name}`,
    fact: "a",
    effect: "none" as const,
    call: [name] as const,
  });
  const plan = planText("node-a", { name: "t", steps: [step("file"), step("bad")] }, { serial: 7 });
  const text = library.text
    .replace("SEALIFT_STATE=/var/lib/sealift", `SEALIFT_STATE=${state}`)
    .replace("/run/sealift/lock/host", `${folder}/lock/host`);
  mkdirSync(state);
  writeFileSync(join(state, "journal"), "", { mode: 0o644 });
  for (const mode of ["check", "apply"]) {
    const input = `${text}\n${pairs}\nrun ${mode} <<'PLAN'\n${plan}PLAN\n`;
    const { stdout, stderr } = spawnSync("sh", ["-s"], { input, encoding: "utf8" });
    assert.match(stdout, /\*\*\*@/);
    assert.doesNotMatch(stdout + stderr, /S3CRET/);
  }
  const journal = readFileSync(join(state, "journal"), "utf8");
  assert.match(journal, /changed t t\.file .*http:\/\/\*\*\*@proxy\n.* failed t t\.bad /);
  assert.doesNotMatch(journal, /S3CRET/);
  assert.equal(statSync(join(state, "journal")).mode & 0o777, 0o600, "also one that an earlier Sealift made");
});

/** What a found daemon.json has, and what is said of it; the site asks for "debug": true and the log driver local. */
const files: readonly [what: string, file: string, said: string][] = [
  [
    "keys that Sealift knows to have no secret",
    '{\n  "debug": false,\n  "dns": ["1.1.1.1","2.2.2.2"],\n  "log-driver": "json-file"\n}',
    '"debug": false; "dns": ["1.1.1.1","2.2.2.2"]; "log-driver": "json-file"',
  ],
  [
    "a token of a log driver",
    `{\n  "debug": true,\n  "log-opts": {"splunk-token":"${secret}"}\n}`,
    '"log-opts" (its value is not shown)',
  ],
  ["a key that nobody knows", `{\n    "api-token": "${secret}"\n}`, '"api-token" (its value is not shown)'],
  [
    "a mirror and proxies with a login, over several lines",
    `{\n "registry-mirrors": ["https://me:${secret}@m"],\n "proxies": {\n  "http-proxy": "http://me:${secret}@p",\n  "debug": "${secret}"\n }\n}`,
    '"registry-mirrors" (its value is not shown); "proxies" (its value is not shown)',
  ],
  [
    "all in one line",
    `{"debug":false,"log-opts":{"splunk-token":"${secret}"}}`,
    '"debug": false; "log-opts" (its value is not shown)',
  ],
  [
    "a second entry in the line of a known one",
    `{\n"debug": false, "log-opts": {"splunk-token":"${secret}"},\n"dns": ["1.1.1.1"], "t": {"u":"${secret}"}, "labels": ["x"]\n}`,
    '"debug": false; "log-opts" (its value is not shown); "dns": ["1.1.1.1"]; "t" (its value is not shown); "labels" (its value is not shown)',
  ],
  ["no JSON at all", `${secret} { [ "debug": ${secret}`, "entries that are not shown"],
  [
    "another label, in a file that an editor has laid out anew",
    `{\n    "debug": true,\n    "labels": [\n        "rack={,}\\"r2"\n    ],\n    "log-driver":\t"local"\n}`,
    '"labels" (its value is not shown)',
  ],
  ["a name that is no name", `{\n "${secret} x": 1\n}`, "entries that are not shown"],
];
for (const [what, file, said] of files)
  test(`of an existing daemon.json, only known values are reported: ${what}`, () => {
    const path = join(folder, "daemon.json");
    writeFileSync(path, `${file}\n`);
    const expected = `'"debug": true' '"log-driver": "local"'`;
    const found = libraryCall(
      "/nowhere",
      `DAEMON_JSON=${path}\ndaemon_json_text ${expected} | daemon_difference`,
    );
    assert.ok(found.startsWith(`0 ${said} in place of `), found);
    assert.ok(!found.includes(secret));
  });

const commands: readonly [written: string, shown: string][] = [
  [
    "/opt/docker/current/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375",
    "/opt/docker/current/bin/dockerd -H fd:// -H tcp://0.0.0.0:2375",
  ],
  [
    `/usr/bin/dockerd --log-opt splunk-token=${secret} --config-file=/etc/d.json`,
    "/usr/bin/dockerd --log-opt ... --config-file=/etc/d.json",
  ],
  [
    `(ALL : ALL) NOPASSWD: /usr/bin/mysql -p${secret}, /usr/bin/x --pw=${secret} ${secret}`,
    "(ALL : ALL) NOPASSWD: /usr/bin/mysql -p..., /usr/bin/x --pw=... ...",
  ],
  [`/usr/bin/a tcp://me:${secret}@h --${secret}%x /${secret}==`, "/usr/bin/a ..."],
  ["(root) ALL", "(root) ALL"],
];
for (const [written, shown] of commands)
  test(`of an existing command line, what could be a password is not reported: ${shown}`, () => {
    assert.equal(libraryCall("/nowhere", `redact_words ${quote(written)}`), `0 ${shown}`);
    assert.equal(libraryCall("/nowhere", `sudo_shown ${quote(written)}`), `0 ${shown}`);
  });

/** A value of the site that is refused: its message has all of it but the login. */
const daemon = (keys: string): string =>
  changed(/^ {4}daemon:\n( {6}.*\n)*/m, `    daemon:\n      log-driver: gelf\n      ${keys}\n`);
const site = (key: string): string => changed("  sealift:site:", `  sealift:site:\n    ${key}`);
const sites: readonly [what: string, text: string][] = [
  ["a proxy", daemon(`proxies: { http-proxy: "http://me:${secret}@p:1" }`)],
  ["a proxy without a scheme", daemon(`proxies: { http-proxy: "me:${secret}@p:1" }`)],
  ["a mirror", daemon(`registry-mirrors: ["https://me:${secret}@m"]`)],
  ["an address of logs", daemon(`log-opts: { gelf-address: "tcp://me:${secret}@l:1" }`)],
  ["a list in place of a text", daemon(`data-root: [{ password: ${secret} }]`)],
  ["an external registry", site(`registry: { external: { url: "https://me:${secret}@r" } }`)],
  ["the gate", site(`rollout: { gate: "curl https://me:${secret}@h/health" }`)],
  ["the bundle", changed(/directory: .*/, `directory: "https://me:${secret}@files/bundle"`)],
];
for (const [what, text] of sites)
  test(`a site with a login in it is refused without showing it: ${what}`, () => {
    const problems = problemsOf(text).map(formatProblem);
    assert.match(problems.join("\n"), /:\d+:\d+: E_(VALUE|SECRET|TYPE) /);
    assert.ok(!problems.join("\n").includes(secret), problems.join("\n"));
  });

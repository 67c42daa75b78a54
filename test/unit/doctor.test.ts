import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { doctorExitCode } from "../../cli/doctor.ts";
import { doctorText } from "../../cli/output/doctor-text.ts";
import type { Paint } from "../../cli/output/paint.ts";
import { checkout } from "../lab/cache.ts";
import {
  diagnosisOf,
  reachedHost,
  unreachableHost,
  type Differing,
} from "../support/fixtures/fake-probes.ts";

const plain: Paint = (_verdict, text) => text;
const text = (...args: Parameters<typeof diagnosisOf>): string =>
  doctorText(diagnosisOf(...args), { width: 100, paint: plain });
const lines = (...all: readonly string[]): string => all.join("\n");

const unwell: Differing = {
  "preflight.resolver": ["drift", "/etc/resolv.conf has no name server"],
  "preflight.space": ["drift", "/opt: 12 MiB free, 296 MiB needed"],
  "users.deploy": ["drift", "no such user"],
  "volumes.data": [
    "refused",
    "E_REFUSED vg0/data is 300 GiB and would shrink to 200 GiB; fix: ask for 300GiB",
  ],
};

test("prints little if everything is healthy", () => {
  assert.equal(
    text([reachedHost("node-a"), reachedHost("node-b")]),
    lines(
      "prod: bundle serial 7, 2 hosts",
      "",
      "                     node-a  node-b",
      "host checks          pass    pass",
      "facts of all phases  3 hold  3 hold",
      "",
      "No problems found.",
    ),
  );
});

test("prints rows for what is not healthy somewhere, then each finding with its remedy, equal ones once", () => {
  const warned = { "preflight.resolver": unwell["preflight.resolver"] ?? ["drift", ""] } as const;
  assert.equal(
    text([reachedHost("node-a", warned), reachedHost("node-b", unwell), unreachableHost("node-c")], {
      unread: ["users[0].passwordHash"],
    }),
    lines(
      "prod: bundle serial 7, 3 hosts",
      "",
      "                       node-a  node-b            node-c",
      "reachable              pass    pass              FAIL",
      "network                warn    warn              -",
      "space                  pass    FAIL              -",
      "all other host checks  pass    pass              -",
      "users                  2 hold  1 change          -",
      "volumes                1 hold  0 of 1 hold FAIL  -",
      "",
      "FAIL  node-b: E_NO_SPACE preflight.space",
      "  found     /opt: 12 MiB free, 296 MiB needed",
      "  expected  there is enough free space for what will be written",
      "  fix       free up space on that file system, or grow it",
      "",
      "FAIL  node-b: E_REFUSED volumes.data",
      "  found     vg0/data is 300 GiB and would shrink to 200 GiB",
      "  expected  volume vg0/data is 200 GiB",
      "  fix       ask for 300GiB",
      "",
      "FAIL  node-c: E_HOST_UNREACHABLE ops@10.20.0.11:22",
      '  found     "ssh: connect to host 10.20.0.11 port 22: Connection refused"',
      "  expected  an answer from sshd",
      "  fix       make sure that the host runs and that its sshd is reachable from here",
      "",
      "warn  node-a, node-b: E_RESOLVER preflight.resolver",
      "  found     /etc/resolv.conf has no name server",
      "  expected  resolv.conf has a name server that containers can reach",
      "  fix       set daemon.dns to the site's name servers; otherwise containers query public ones that",
      "            they cannot reach",
      "",
      "Not checked, because doctor does not decrypt secrets: users[0].passwordHash",
      "",
      "3 errors (pulumi up would refuse to run); 2 warnings; 1 change pending, listed by pulumi preview --stack prod.",
    ),
  );
});

test("prints as many hosts side by side as fit", () => {
  const names = Array.from({ length: 20 }, (_, at) => `node-${String(at + 1).padStart(2, "0")}`);
  const shown = text(names.map((name) => reachedHost(name)));
  const table = shown.split("\n").slice(2, -2);
  assert.deepEqual(
    table.filter((line) => line.includes("node-")).map((line) => line.trim().split(/ +/).length),
    [9, 9, 2],
  );
  assert.equal(table.filter((line) => line.startsWith("host checks")).length, 3);
  assert.ok(shown.split("\n").every((line) => line.length <= 100));
});

test("problems of the bundle and of the operator's machine come first", () => {
  const problem = {
    where: "/media/carry/bundle",
    code: "E_BUNDLE_MISSING",
    subject: "bundle",
    found: "no such folder",
    expected: "a bundle",
    fix: "mount it",
  } as const;
  const diagnosis = diagnosisOf([reachedHost("node-a")], { serial: null, problems: [problem] });
  assert.match(
    doctorText(diagnosis, { width: 100, paint: plain }),
    /^prod: no usable bundle, 1 host\n\nFAIL {2}\/media\/carry\/bundle: E_BUNDLE_MISSING bundle\n {2}found {5}no such folder\n/,
  );
  assert.equal(doctorExitCode(diagnosis), 66);
});

test("only what is not healthy is coloured, and columns stay aligned", () => {
  const paint: Paint = (verdict, word) => `<${verdict}:${word}>`;
  const shown = doctorText(diagnosisOf([reachedHost("node-a", unwell), reachedHost("node-b")]), {
    width: 100,
    paint,
  });
  assert.match(shown, /^space +<fail:FAIL> {14}pass$/m);
  assert.match(shown, /^<warn:warn> {2}node-a: E_RESOLVER/m);
  assert.doesNotMatch(shown, /<pass:/);
});

test("the exit code distinguishes healthy, failing and unreachable hosts", () => {
  const warned = reachedHost("node-a", { "preflight.tmp": ["drift", "/tmp is on /tmp, mounted noexec"] });
  assert.equal(doctorExitCode(diagnosisOf([warned])), 0);
  assert.equal(doctorExitCode(diagnosisOf([warned, unreachableHost("node-b")])), 69);
  assert.equal(doctorExitCode(diagnosisOf([reachedHost("node-a", unwell), unreachableHost("node-b")])), 78);
});

test("findings that the site accepts are reported; they neither pass nor wait", () => {
  const shown = text([
    reachedHost("node-a", {
      "users.group": [
        "warn",
        "E_UNMANAGED_MEMBERS members not listed in the site: eve; fix: name them or remove them",
      ],
    }),
  ]);
  assert.match(shown, /^users +1 of 2 hold$/m);
  assert.match(
    shown,
    /^warn {2}node-a: E_UNMANAGED_MEMBERS users\.group\n {2}found +members not listed in the site: eve\n/m,
  );
  assert.match(shown, /\n1 warning\.$/);
});

test("help shows examples; an unknown environment is missing input, as text and as JSON", () => {
  const doctor = (...args: readonly string[]): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, [join(checkout, "cli", "sealift.js"), "doctor", ...args], {
      cwd: checkout,
      encoding: "utf8",
    });
  const help = doctor("--help");
  assert.equal(help.status, 0);
  assert.match(String(help.stdout), /Examples:\n {2}\$ sealift doctor prod /);
  const absent = doctor("no-such-env");
  assert.equal(absent.status, 66);
  assert.match(String(absent.stderr), /E_SITE_MISSING/);
  const json = doctor("no-such-env", "--json");
  assert.equal(json.status, 66);
  const { ok, problems } = JSON.parse(String(json.stdout)) as { ok: boolean; problems: { code: string }[] };
  assert.deepEqual([ok, problems.map(({ code }) => code)], [false, ["E_SITE_MISSING"]]);
});

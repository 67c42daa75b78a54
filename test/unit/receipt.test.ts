import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { receiptPage } from "../../modules/receipt/page.ts";
import { hostReceipt, receiptSteps, type HostReceipt, type Receipt } from "../../modules/receipt/receipt.ts";
import { parseReceipt } from "../../modules/receipt/shape.ts";
import { filesIn, verdictOf } from "../../modules/receipt/verdict.ts";
import { exampleAppSpec } from "../support/fixtures/example-app.ts";
import { exampleArchive, exampleHost, library } from "../support/fixtures/example-host.ts";
import { first, fourth, host, probeOf, receipt, second, third } from "../support/fixtures/example-receipt.ts";

test("a fact that did not hold before and holds now has changed; one that does not hold, has a warning or was not reported does not count as holding", () => {
  const [one] = receipt().hosts;
  assert.ok(one);
  const { machine, facts, volumes, certificates: ends } = one.statement;
  assert.deepEqual(one.changed, [first]);
  assert.deepEqual(
    facts.filter(({ state }) => state !== "holds").map(({ code, state, found }) => [code, state, found]),
    [
      [second, "fails", "<b>something else</b>\u001b[31m"],
      [third, "warned", "<b>something else</b>\u001b[31m"],
      [fourth, "unseen", undefined],
    ],
  );
  assert.equal(machine, "62ff67b1");
  assert.equal(volumes[0]?.usedBytes, 2147483648);
  assert.deepEqual(ends[0], { name: "CA of the registry", ends: "2027-11-21T18:00:00.000Z" });
  const verdict = (wrong: HostReceipt, warnings: Receipt["warnings"] = []): string =>
    verdictOf({ hosts: [wrong], warnings });
  assert.equal(verdict(one), `${facts.length - 3} hold, 1 with a warning, 1 does not hold, 1 not checked`);
  const emptyReceipt = hostReceipt(host(probeOf([])), probeOf([]));
  assert.equal(verdict(emptyReceipt), "Every fact holds");
  assert.match(verdict(hostReceipt(host(probeOf([])), probeOf([], [first]))), /, 1 with a warning$/);
});

test("not every fact counts as holding without a warning if there was a warning besides the facts", () => {
  const warnings = [{ where: "a", code: "E_FIREWALL", text: "preflight.firewall: found: ufw is on" }];
  const hosts = [hostReceipt(host(probeOf([])), probeOf([]))];
  assert.match(verdictOf({ hosts, warnings }), /^\d+ hold; 1 warning about the run$/);
  const page = receiptPage(receipt({ hosts, warnings }));
  assert.match(page, /<li>a: E_FIREWALL preflight\.firewall: found: ufw is on<\/li>/);
  assert.doesNotMatch(page, /Every fact holds/);
});

test("a host without an engine has none of the files that the lock pins for it, and the page says so", () => {
  const probed = probeOf([]);
  assert.ok(probed.kind === "reached");
  const bare = { ...probed, report: { ...probed.report, values: { "receipt.installed": "" } } };
  const hosts = [hostReceipt(host(probeOf([])), bare)];
  const [one] = hosts;
  assert.ok(one);
  assert.equal(filesIn(one), `none of ${one.expectedFiles.length}`);
  const page = receiptPage(receipt({ hosts }));
  assert.match(page, /No files of the lock\s+installed/);
});

test("who may use docker and sudo, and which images run, are taken from the host's report, in their form and within limits", () => {
  const probed = probeOf([]);
  assert.ok(probed.kind === "reached");
  const id = `sha256:${"ef".repeat(32)}`;
  const values = {
    "receipt.access":
      "moreDocker=40; unchecked=3; root=toor; docker=deploy; docker=CORP\\jdoe; docker=<b>; sudo=ops (ALL) NOPASSWD: ALL; sudo=a<b (ALL) ALL; unanswered=slow",
    "receipt.images": `2 ${id} docker.io/library/busybox:1.37; 1 sha256:12 x; 1 ${id} <script>; more=7`,
  };
  const { statement } = hostReceipt(host(probeOf([])), { ...probed, report: { ...probed.report, values } });
  assert.deepEqual(statement.access, {
    docker: ["deploy", "CORP\\jdoe"],
    sudo: [{ user: "ops", rules: "(ALL) NOPASSWD: ALL" }],
    unchecked: 3,
    root: ["toor"],
    unanswered: ["slow"],
    more: { docker: 41, sudo: 1 },
  });
  const running = [{ name: "docker.io/library/busybox:1.37", id, containers: 2 }];
  assert.deepEqual(statement.images, { running, more: 9 });
  const page = receiptPage(receipt({ hosts: [{ ...receipt().hosts[0], statement }] as Receipt["hosts"] }));
  for (const said of [
    /uid 0: toor</,
    /docker: deploy, CORP\\jdoe, 41 more not listed</,
    /sudo: 1 more not listed</,
    /sudo gave no answer for slow: their rules are unknown/,
    /sudo was not asked about 3 accounts/,
    /9 more not listed/,
  ])
    assert.match(page, said);
  const quiet = hostReceipt(host(probeOf([])), probeOf([])).statement;
  assert.deepEqual([quiet.access, quiet.images], [undefined, undefined]);
});

test("the applications of a host are what it reports about itself, in their form; the schema and the page have them", () => {
  const probed = probeOf([]);
  assert.ok(probed.kind === "reached");
  const id = `sha256:${"ef".repeat(32)}`;
  const start = "2026-11-30T12:00:00Z";
  const values = {
    "apps.shop.status": [
      `release=2.4.0-0a0b0c0d containers=web,2,running,healthy,0,0,${start},${id}`,
      `containers=worker,1,running,unhealthy,0,3,${start},${id} containers=<b>,1,running,none,0,0,${start},${id}`,
    ].join(" "),
    "apps.wiki.status": "",
    "apps.other.status": "release=9-0a0b0c0d",
  };
  const before = host(probeOf([]));
  const apps = ["shop", "wiki", "silent"].map((name) => ({ ...exampleAppSpec, name }));
  const planned = { ...before, spec: { ...before.spec, apps } };
  const after = { ...probed, report: { ...probed.report, values } };
  const hosts = [hostReceipt(planned, after)];
  assert.deepEqual(hosts[0]?.statement.applications, [
    {
      ...{ name: "shop", version: "2.4.0", release: "2.4.0-0a0b0c0d" },
      services: [
        { name: "web", containers: 2, health: "healthy", images: [id] },
        { name: "worker", containers: 1, health: "unhealthy", images: [id] },
      ],
      more: 1,
    },
    { name: "wiki", services: [], more: 0 },
  ]);
  const written = receipt({ hosts });
  assert.deepEqual(parseReceipt(JSON.stringify(written)), written);
  const page = receiptPage(written);
  for (const said of [
    /Applications, as reported by the host/,
    /version 2\.4\.0<[^]*release <code>2\.4\.0-0a0b0c0d</,
    /<td>web<\/td>\s*<td class="good">\s*healthy, 2 containers\s*<\/td>\s*<td><code>sha256:(ef){32}</,
    /<td>worker<\/td>\s*<td class="bad">\s*unhealthy, 1 container\s*</,
    /1 container not listed/,
    /wiki<\/th>\s*<td>not deployed</,
    /the running images and the\s+applications are what each host reports about itself/,
  ])
    assert.match(page, said);
  assert.equal(hostReceipt(before, probed).statement.applications, undefined);
});

test("backups, repositories and rehearsals of a host are what it reports; the schema and the page have them", () => {
  const probed = probeOf([]);
  assert.ok(probed.kind === "reached");
  const snapshot = "5f".repeat(32);
  const values = {
    "apps.shop.status": "release=2.4.0-0a0b0c0d",
    "backup.shop.status": `time=1796040000 snapshot=${snapshot} run=x release=2.4.0-0a0b0c0d bytes=9000 added=1 seconds=2 stopped=0`,
    "backup._registry.status": `time=1796040000 snapshot=${"6e".repeat(32)} run=x release=3.1.2 bytes=7000 added=1 seconds=2 stopped=0`,
    "store.status":
      "node-a checked=1796045000 result=damaged snapshots=24 bytes=6000 copied.store-b=1796046000;",
    "rehearsal.shop.status":
      "result=good time=1796050000 seconds=75 of=node-a backup=1796040000 bytes=9000 answer=<script>",
  };
  const before = host(probeOf([]));
  const planned = { ...before, spec: { ...before.spec, apps: [exampleAppSpec] } };
  const after = { ...probed, report: { ...probed.report, values } };
  const written = receipt({ hosts: [hostReceipt(planned, after)] });
  assert.deepEqual(parseReceipt(JSON.stringify(written)), written);
  const page = receiptPage(written);
  for (const said of [
    /last backup<\/td>\s*<td>2026-\S+, 9000 bytes<[^]*snapshot <code>5f5f5f5f<\/code>/,
    /<h3>Registry, as reported by the host<\/h3>[^]*2026-\S+, 7000 bytes<[^]*snapshot <code>6e6e6e6e<\/code> of release <code>3\.1\.2</,
    /node-a<\/th>\s*<td class="bad">damaged<[^]*24 backups, 6000 bytes, checked 2026-\S+, copied to store-b 2026-/,
    /shop of node-a<\/th>\s*<td class="good">good<[^]*in 75 s, of the backup of 2026-/,
  ])
    assert.match(page, said);
  assert.ok(!page.includes("script>"));
});

/** A host's report on access, where these functions replace the programs that it runs. */
function access(programs: string): readonly string[] {
  const input = `${library.text}
set -eu
report_progress() { :; }
timeout() { while [ "$1" != sudo ]; do shift; done; "$@"; }
${programs}
value_access
`;
  return execFileSync("sh", { input, encoding: "utf8" }).split("; ");
}

test("a host reports accounts with uid 0 and accounts for which sudo gave no answer, and counts what it does not list", () => {
  const found = access(`
getent() {
  if [ "$1" = group ]; then echo "docker:x:999:ann,bob"; return; fi
  printf '%s\\n' root:x:0:0::/:/bin/sh toor:x:0:0::/:/bin/sh ann:x:1:1::/:/bin/sh bob:x:2:2::/:/bin/sh eve:x:3:999::/:/bin/sh slow:x:4:4::/:/bin/sh
}
sudo() {
  case $4 in
    ann)
      echo 'User ann may run the following commands on a:'
      for one in 1 2 3 4 5 6 7 8 9; do echo "    (root) NOPASSWD: /usr/bin/a-program-of-some-length-$one"; done
      ;;
    slow) return 124 ;;
    *) echo "User $4 is not allowed to run sudo on a." ;;
  esac
}`);
  assert.deepEqual(found.slice(0, 4), ["root=toor", "docker=ann", "docker=bob", "docker=eve"]);
  assert.match(found[4] ?? "", /^sudo=ann (\(root\) NOPASSWD: \S+-\d ){3,4}and [56] more rules$/);
  assert.deepEqual(found.slice(5), ["unanswered=slow"]);

  const many = access(`
getent() {
  if [ "$1" = group ]; then echo "docker:x:999:$(seq -f 'a-member-of-the-group-%04g' -s , 1 1000)"; return; fi
  for one in 1 2 3; do echo "u$one:x:$one:1::/:/bin/sh"; done
}
ACCESS_SECONDS=0
sudo() { :; }`);
  const listed = many.filter((one) => one.startsWith("docker=")).length;
  assert.deepEqual(many.slice(0, 2), [`moreDocker=${1000 - listed}`, "unchecked=3"]);
  assert.ok(listed > 300 && many.join("; ").length < 15_000);
});

test("images that do not fit into a host's report are counted", () => {
  const input = `${library.text}
set -eu
SEALIFT_DOCKER=/bin/true
path_is_safe() { :; }
timeout() {
  case $3 in
    ps) echo any ;;
    *) seq -f 'sha256:${"ab".repeat(32)} registry.example/${"x".repeat(200)}-%03g:1' 1 90 ;;
  esac
}
value_running_images
`;
  const words = execFileSync("sh", { input, encoding: "utf8" }).trim().split("; ");
  assert.equal(words.at(-1), `more=${90 - words.length + 1}`);
  assert.ok(words.length > 40 && words.length < 60);
});

test("a receipt says who ran what, from which commit, and how to check who signed it", () => {
  const page = receiptPage(receipt());
  assert.match(page, /by ops on desk, with Sealift 0\.1\.0/);
  assert.match(page, /commit <code>(12){20}<\/code>\s*<\/dd>/);
  assert.match(page, /sealift receipt verify prod-20261121T180500Z\.json --allowed-signers/);
  const run = { ...receipt().run, checkout: { commit: "12".repeat(20), changed: true } };
  assert.match(receiptPage(receipt({ run })), /with uncommitted changes/);
  assert.match(receiptPage(receipt({ run: { ...run, checkout: null } })), /not in a git repository/);
});

test("installed programs are listed as the host has hashed them, beside what the lock pins", () => {
  const [one] = receipt().hosts;
  assert.deepEqual(one?.statement.installed, [
    { path: "/opt/docker/1/bin/dockerd", sha256: "cd".repeat(32) },
  ]);
  assert.deepEqual(
    one.expectedFiles.map(({ sha256 }) => sha256),
    exampleArchive.members.map(({ sha256 }) => sha256),
  );
  const [question] = receiptSteps(host(probeOf([])));
  assert.deepEqual(question?.call, ["installed", ...one.expectedFiles.map(({ path }) => path)]);
});

test("disk usage is reported for existing mounts and for volumes", () => {
  const spec = {
    ...exampleHost(),
    volumes: { group: "vg0", logicalVolumes: [], existing: [{ mount: "/data" }] },
  };
  const laidOut = { ...host(probeOf([])), spec };
  assert.deepEqual(
    receiptSteps(laidOut).map(({ call }) => call.join(" ")),
    [
      `installed ${hostReceipt(laidOut, probeOf([]))
        .expectedFiles.map(({ path }) => path)
        .join(" ")}`,
      "fill /data",
      "access",
      "running_images",
    ],
  );
  assert.deepEqual(hostReceipt(laidOut, probeOf([])).statement.volumes, [
    { mount: "/data", bytes: 10737418240, usedBytes: 2147483648 },
  ]);
});

test("for a host that was not reached, nothing is said to hold or to have changed", () => {
  const problem = {
    where: "a",
    code: "E_HOST_UNREACHABLE",
    subject: "",
    found: "",
    expected: "",
    fix: "",
  } as const;
  const silent = hostReceipt(host(probeOf([first])), { kind: "unreachable", problem });
  const { facts, volumes, certificates: ends, installed } = silent.statement;
  assert.ok(facts.length > 0 && facts.every(({ state }) => state === "unseen"));
  assert.deepEqual([silent.reached, silent.changed, volumes, ends, installed], [false, [], [], [], []]);
});

test("whatever a receipt contains, its page is text: nothing is rendered, loaded or run", () => {
  const evil = `"'><img src=x onerror=alert(1)><script>alert(1)</script>\u202e\u001b`;
  const base = receipt();
  const hosts = base.hosts.map((one) => ({
    ...one,
    ...{ name: evil, address: evil, engine: evil, team: evil, changed: [first] },
    expectedFiles: [{ path: evil, sha256: evil }],
    statement: {
      machine: evil,
      facts: one.statement.facts.map((fact) => ({ ...fact, fact: evil, found: evil })),
      installed: [{ path: evil, sha256: evil }],
      volumes: [{ mount: evil, bytes: 1, usedBytes: 1 }],
      certificates: [{ name: evil, ends: evil }],
      access: {
        docker: [evil],
        sudo: [{ user: evil, rules: evil }],
        unchecked: 1,
        root: [evil],
        unanswered: [evil],
        more: { sudo: 1 },
      },
      images: { running: [{ name: evil, id: evil, containers: 1 }], more: 1 },
    },
  }));
  const previous = { file: evil, sha256: evil };
  const bundle = { serial: evil as unknown as number, lockSha256: evil, signers: [evil] };
  const checkout = { commit: evil, changed: true };
  const run = { user: evil, machine: evil, sealift: evil, checkout };
  const warnings = [{ where: evil, code: evil, text: evil }];
  const words = { site: evil, began: evil, ended: evil };
  const page = receiptPage({ ...base, ...words, run, warnings, previous, bundle, hosts }, [evil]);
  assert.doesNotMatch(page, /<img|<script|onerror=alert\(1\)>|[\u202e\u001b]/);
  const tags = new Set([...page.matchAll(/<([a-z0-9!]+)/g)].map(([, tag]) => tag));
  const clean = new Set([...receiptPage(base).matchAll(/<([a-z0-9!]+)/g)].map(([, tag]) => tag));
  assert.deepEqual(
    [...tags].filter((tag) => !clean.has(tag)),
    [],
  );
  assert.match(
    page,
    /<meta http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; style-src &#39;sha256-/,
  );
  assert.doesNotMatch(page, /unsafe-inline|style="/);
  const style = /<style>([^]*)<\/style>/.exec(page)?.[1] ?? "";
  const hash = createHash("sha256").update(style).digest("base64");
  assert.ok(
    page.includes(`style-src &#39;sha256-${hash}&#39;`),
    "the style sheet of the page is the one that may be used",
  );
});

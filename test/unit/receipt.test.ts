import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { receiptPage } from "../../modules/receipt/page.ts";
import { hostReceipt, receiptSteps } from "../../modules/receipt/receipt.ts";
import type { HostReceipt, Receipt } from "../../modules/receipt/receipt.ts";
import { filesIn, verdictOf } from "../../modules/receipt/verdict.ts";
import { exampleArchive, exampleHost } from "../support/example-host.ts";
import { first, fourth, host, look, receipt, second, third } from "../support/example-receipt.ts";

test("what did not hold before and holds now has changed; what does not, is a warning or was not said is no fact that holds", () => {
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
  assert.equal(verdict(one), `${facts.length - 3} hold, 1 with a warning, 1 does not hold, 1 not looked at`);
  const whole = hostReceipt(host(look([])), look([]));
  assert.equal(verdict(whole), "Every fact holds");
  assert.match(verdict(hostReceipt(host(look([])), look([], [first]))), /, 1 with a warning$/);
});

test("not every fact holds without a word where something was warned of beside the facts", () => {
  const warnings = [{ where: "a", code: "E_FIREWALL", text: "preflight.firewall: got ufw is on" }];
  const hosts = [hostReceipt(host(look([])), look([]))];
  assert.match(verdictOf({ hosts, warnings }), /^\d+ hold, and 1 warning besides$/);
  const page = receiptPage(receipt({ hosts, warnings }));
  assert.match(page, /<li>a: E_FIREWALL preflight\.firewall: got ufw is on<\/li>/);
  assert.doesNotMatch(page, /Every fact holds/);
});

test("a host without an engine has none of the files that the lock pins for it, and the page says so", () => {
  const probed = look([]);
  assert.ok(probed.kind === "reached");
  const bare = { ...probed, report: { ...probed.report, values: { "receipt.installed": "" } } };
  const hosts = [hostReceipt(host(look([])), bare)];
  const [one] = hosts;
  assert.ok(one);
  assert.equal(filesIn(one), `none of ${one.wanted.length}`);
  const page = receiptPage(receipt({ hosts }));
  assert.match(page, /No file of the lock is\s+installed there/);
});

test("who may use docker and sudo, and which images run, are what the host says, in their form and bounded", () => {
  const probed = look([]);
  assert.ok(probed.kind === "reached");
  const id = `sha256:${"ef".repeat(32)}`;
  const values = {
    "receipt.access":
      "unasked=3; docker=deploy; docker=CORP\\jdoe; docker=<b>; sudo=ops (ALL) NOPASSWD: ALL; sudo=a<b (ALL) ALL",
    "receipt.images": `2 ${id} docker.io/library/busybox:1.37; 1 sha256:12 x; 1 ${id} <script>; more=7`,
  };
  const { statement } = hostReceipt(host(look([])), { ...probed, report: { ...probed.report, values } });
  assert.deepEqual(statement.access, {
    docker: ["deploy", "CORP\\jdoe"],
    sudo: [{ user: "ops", rules: "(ALL) NOPASSWD: ALL" }],
    unasked: 3,
  });
  const running = [{ name: "docker.io/library/busybox:1.37", id, containers: 2 }];
  assert.deepEqual(statement.images, { running, more: 7 });
  const quiet = hostReceipt(host(look([])), look([])).statement;
  assert.deepEqual([quiet.access, quiet.images], [undefined, undefined]);
});

test("a receipt says who has run what, from which commit, and how to check who signed it", () => {
  const page = receiptPage(receipt());
  assert.match(page, /by ops on desk, with Sealift 0\.1\.0/);
  assert.match(page, /commit <code>(12){20}<\/code>\s*<\/dd>/);
  assert.match(page, /sealift receipt verify prod-20261121T180500Z\.json --signers/);
  const run = { ...receipt().run, checkout: { commit: "12".repeat(20), changed: true } };
  assert.match(receiptPage(receipt({ run })), /with changes that are not committed/);
  assert.match(receiptPage(receipt({ run: { ...run, checkout: null } })), /in no git repository/);
});

test("what is installed is what the host has hashed, beside what the lock pins", () => {
  const [one] = receipt().hosts;
  assert.deepEqual(one?.statement.installed, [
    { path: "/opt/docker/1/bin/dockerd", sha256: "cd".repeat(32) },
  ]);
  assert.deepEqual(
    one.wanted.map(({ sha256 }) => sha256),
    exampleArchive.members.map(({ sha256 }) => sha256),
  );
  const [question] = receiptSteps(host(look([])));
  assert.deepEqual(question?.call, ["installed", ...one.wanted.map(({ path }) => path)]);
});

test("a mount that others have laid out is asked how full it is, as volumes are", () => {
  const spec = { ...exampleHost(), volumes: { group: "vg0", logical: [], existing: [{ mount: "/data" }] } };
  const laidOut = { ...host(look([])), spec };
  assert.deepEqual(
    receiptSteps(laidOut).map(({ call }) => call.join(" ")),
    [
      `installed ${hostReceipt(laidOut, look([]))
        .wanted.map(({ path }) => path)
        .join(" ")}`,
      "fill /data",
      "access",
      "running_images",
    ],
  );
  assert.deepEqual(hostReceipt(laidOut, look([])).statement.volumes, [
    { mount: "/data", bytes: 10737418240, usedBytes: 2147483648 },
  ]);
});

test("of a host that nobody reached nothing is said to hold, nor to have changed", () => {
  const problem = {
    where: "a",
    code: "E_HOST_UNREACHABLE",
    subject: "",
    got: "",
    expected: "",
    todo: "",
  } as const;
  const silent = hostReceipt(host(look([first])), { kind: "unreachable", problem });
  const { facts, volumes, certificates: ends, installed } = silent.statement;
  assert.ok(facts.length > 0 && facts.every(({ state }) => state === "unseen"));
  assert.deepEqual([silent.reached, silent.changed, volumes, ends, installed], [false, [], [], [], []]);
});

test("whatever a receipt says, its page is text: nothing is made of it, loaded or run", () => {
  const evil = `"'><img src=x onerror=alert(1)><script>alert(1)</script>\u202e\u001b`;
  const base = receipt();
  const hosts = base.hosts.map((one) => ({
    ...one,
    ...{ name: evil, address: evil, engine: evil, team: evil, changed: [first] },
    wanted: [{ path: evil, sha256: evil }],
    statement: {
      machine: evil,
      facts: one.statement.facts.map((fact) => ({ ...fact, fact: evil, found: evil })),
      installed: [{ path: evil, sha256: evil }],
      volumes: [{ mount: evil, bytes: 1, usedBytes: 1 }],
      certificates: [{ name: evil, ends: evil }],
      access: { docker: [evil], sudo: [{ user: evil, rules: evil }], unasked: 1 },
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

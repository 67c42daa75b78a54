import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Probe } from "../../modules/core/probe.ts";
import { receiptPage } from "../../modules/receipt/page.ts";
import { hostReceipt, receiptSteps, type Receipt } from "../../modules/receipt/receipt.ts";
import { readReceipt, writeReceipt } from "../../modules/receipt/sign.ts";
import type { SurveyedHost } from "../../modules/survey.ts";
import { certificates } from "../../modules/registry/steps.ts";
import { cachePath, checkout } from "../lab/cache.ts";
import { ensurePackages } from "../lab/packages.ts";
import { ensureSigningKey } from "../lab/signing-key.ts";
import { exampleArchive, exampleHost, examplePhases } from "../support/example-host.ts";
import { codesOf, refused } from "../support/refused.ts";
import { runProcess } from "../support/run-process.ts";

let folder: string;
let key: string;
let allowedSigners: string;
before(async () => {
  await mkdir(cachePath("test"), { recursive: true });
  folder = await mkdtemp(cachePath("test", "receipt-"));
  const made = await ensureSigningKey(join(folder, "key"), "auditor@plant");
  key = made.file;
  allowedSigners = join(folder, "receipt-signers");
  const text = await readFile(made.allowedSigners, "utf8");
  await writeFile(allowedSigners, text.replace("sealift-bundle", "sealift-receipt"));
});
after(() => rm(folder, { recursive: true }));

const phases = examplePhases();
const steps = Object.values(phases).flatMap((phase) => phase.steps);

function look(wrong: readonly string[], fill = "10737418240 2147483648"): Probe {
  const facts = steps.map(({ code, fact }) => ({
    status: wrong.includes(code) ? ("drift" as const) : ("ok" as const),
    code,
    fact,
    found: wrong.includes(code) ? "<b>something else</b>" : "",
  }));
  const volumes = exampleHost().volumes.logical.map(({ mount }) => ({
    status: "drift" as const,
    code: `receipt.fill.${mount}`,
    fact: "",
    found: fill,
  }));
  const ends = certificates.map(({ path }) => ({
    status: "drift" as const,
    code: `receipt.ends.${path}`,
    fact: "",
    found: "Nov 21 18:00:00 2027 GMT",
  }));
  return {
    kind: "reached",
    report: { steps: [...facts, ...volumes, ...ends], mark: { machine: "62ff67b1", journalLines: 9 } },
  };
}

function host(before: Probe): SurveyedHost {
  return {
    spec: exampleHost(),
    files: { archive: exampleArchive, plugins: [] },
    deliveries: [],
    spares: [],
    seeds: [],
    phases,
    probe: before,
    warnings: [],
  };
}

const [first = "", second = ""] = phases.users.steps.map(({ code }) => code);

function receipt(): Receipt {
  return {
    format: 1,
    site: "prod",
    began: "2026-11-21T18:00:00.000Z",
    ended: "2026-11-21T18:05:00.000Z",
    bundle: { serial: 7, lockSha256: "ab".repeat(32), signer: "team@office" },
    hosts: [hostReceipt(host(look([first, second])), look([second]))],
  };
}

test("what did not hold before and holds now has changed; what still does not is said with what was found", () => {
  const [one] = receipt().hosts;
  assert.deepEqual(one?.changed, [first]);
  assert.deepEqual(
    one.facts.filter(({ holds }) => !holds).map(({ code, found }) => [code, found]),
    [[second, "<b>something else</b>"]],
  );
  assert.equal(one.machine, "62ff67b1");
  assert.equal(one.volumes[0]?.usedBytes, 2147483648);
  assert.deepEqual(one.certificates[0], {
    name: "CA of the registry",
    ends: "2027-11-21T18:00:00.000Z",
  });
  assert.deepEqual(
    one.installed,
    exampleArchive.members.map(({ path, sha256 }) => ({ path, sha256 })),
  );
});

test("a mount that others have laid out is asked how full it is, as volumes are", () => {
  const spec = { ...exampleHost(), volumes: { group: "vg0", logical: [], existing: [{ mount: "/data" }] } };
  const laidOut = { ...host(look([])), spec };
  assert.deepEqual(
    receiptSteps(laidOut).map(({ call }) => call.join(" ")),
    ["fill /data"],
  );
  assert.deepEqual(hostReceipt(laidOut, look([])).volumes, [
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
  assert.ok(silent.facts.length > 0 && silent.facts.every(({ holds }) => !holds));
  assert.deepEqual([silent.changed, silent.volumes, silent.certificates], [[], [], []]);
});

test("a receipt is signed, and believed only as it was signed, by a key that may", async () => {
  const file = await writeReceipt(receipt(), join(folder, "out"), key);
  assert.match(file, /prod-20261121T180500Z\.json$/);
  assert.deepEqual((await readdir(join(folder, "out"))).length, 2);
  const { receipt: read, signer } = await readReceipt(file, allowedSigners);
  assert.equal(signer, "auditor@plant");
  assert.deepEqual(read, receipt());

  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace('"holds": false', '"holds": true '));
  const [changed] = await refused(readReceipt(file, allowedSigners));
  assert.equal(changed?.code, "E_RECEIPT");
  assert.match(changed.todo, /a byte of it has changed/);
  await writeFile(file, text);

  const other = await ensureSigningKey(join(folder, "other"), "mallory@elsewhere");
  assert.deepEqual(await codesOf(readReceipt(file, other.allowedSigners)), ["E_RECEIPT"]);
  await rm(`${file}.sig`);
  assert.deepEqual(await codesOf(readReceipt(file, allowedSigners)), ["E_RECEIPT"]);
  assert.deepEqual(await codesOf(writeReceipt(receipt(), folder, join(folder, "no-key"))), ["E_SIGNING_KEY"]);
});

test("a signature made for a bundle is none for a receipt", async () => {
  const file = await writeReceipt(receipt(), join(folder, "bundle-key"), key);
  const bundles = join(folder, "bundle-signers");
  await writeFile(
    bundles,
    (await readFile(allowedSigners, "utf8")).replace("sealift-receipt", "sealift-bundle"),
  );
  assert.deepEqual(await codesOf(readReceipt(file, bundles)), ["E_RECEIPT"]);
});

test("the page needs nothing but itself, and a browser shows what the receipt says", async () => {
  await ensurePackages("page");
  const page = join(folder, "page.html");
  const html = receiptPage(receipt(), "auditor@plant");
  await writeFile(page, html);
  assert.doesNotMatch(html, /https?:|<script|<link|url\(/);
  const flags = [
    ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
    ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    `--user-data-dir=${join(folder, "profile")}`,
  ];
  const screenshot = join(folder, "page.png");
  const shot = await runProcess(
    "chromium",
    [...flags, `--screenshot=${screenshot}`, "--window-size=1200,1600", `file://${page}`],
    {},
  );
  assert.equal(shot.exitCode, 0, shot.stderr);
  assert.ok((await stat(screenshot)).size > 10_000, "an empty page is smaller");
  const { stdout } = await runProcess("chromium", [...flags, "--dump-dom", `file://${page}`], {});
  assert.match(stdout, /<title>prod: 1 fact does not hold<\/title>/);
  assert.match(stdout, /found &lt;b&gt;something else&lt;\/b&gt;/);
  assert.match(stdout, /<meter[^>]*value="20"/);
  assert.match(stdout, /certificate of the registry<\/th><td>ends 2027-11-21T18:00/);
  assert.match(stdout, /serial 7, signed by team@office/);
});

test("the command says in a few lines what a receipt says, and refuses one that was changed", async () => {
  const file = await writeReceipt(receipt(), join(folder, "typed"), key);
  const run = (...words: string[]): ReturnType<typeof runProcess> =>
    runProcess(process.execPath, [join(checkout, "cli", "sealift.js"), "receipt", ...words], { cwd: folder });
  const good = await run("verify", file, "--signers", allowedSigners);
  assert.equal(good.exitCode, 0, good.stderr);
  assert.match(good.stdout, /^prod, 2026-11-21T18:05:00\.000Z: signed by auditor@plant, bundle serial 7\n/);
  assert.match(good.stdout, /1 of \d+ facts do not hold +1 changed/);
  const page = await run("page", file, "--signers", allowedSigners, "-o", join(folder, "typed.html"));
  assert.equal(page.exitCode, 0, page.stderr);
  assert.match(await readFile(join(folder, "typed.html"), "utf8"), /auditor@plant/);
  await writeFile(file, (await readFile(file, "utf8")).replace("team@office", "team@0ffice"));
  const bad = await run("verify", file, "--signers", allowedSigners);
  assert.equal(bad.exitCode, 77, bad.stderr);
});

import assert from "node:assert/strict";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { parseReport } from "../../modules/core/host/report.ts";
import { nextInChain, verifyReceipts } from "../../modules/receipt/chain.ts";
import { receiptPage } from "../../modules/receipt/page.ts";
import { hostReceipt, type Receipt } from "../../modules/receipt/receipt.ts";
import { certificates } from "../../modules/registry/steps.ts";
import { readSignedReceipt, writeReceipt, type ReceiptPolicy } from "../../modules/receipt/sign.ts";
import { cachePath, checkout } from "../lab/cache.ts";
import { ensurePackages } from "../lab/packages/packages.ts";
import { ensureSigningKey } from "../lab/bundle/signing-key.ts";
import { exampleHost } from "../support/fixtures/example-host.ts";
import { host, probeOf, receipt, second } from "../support/fixtures/example-receipt.ts";
import { codesOf, assertRefused } from "../support/assert/assert-refusal.ts";
import { runProcess } from "../support/process/run-process.ts";

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

const policy = (): ReceiptPolicy => ({ allowedSigners });

test("a receipt is signed, and trusted only as it was signed, by a permitted key", async () => {
  const file = await writeReceipt(receipt(), join(folder, "out"), key);
  assert.match(file, /prod-20261121T180500Z\.json$/);
  assert.deepEqual((await readdir(join(folder, "out"))).length, 2);
  const { receipt: read, signers } = await readSignedReceipt(file, policy());
  assert.deepEqual(signers, ["auditor@plant"]);
  assert.deepEqual(read, receipt());

  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace('"state": "fails"', '"state": "holds"'));
  const [changed] = await assertRefused(readSignedReceipt(file, policy()));
  assert.equal(changed?.code, "E_RECEIPT");
  assert.match(changed.fix, /it was changed after it was signed/);
  await writeFile(file, text);

  const other = await ensureSigningKey(join(folder, "other"), "mallory@elsewhere");
  assert.deepEqual(await codesOf(readSignedReceipt(file, other)), ["E_RECEIPT"]);
  await rm(`${file}.sig`);
  assert.deepEqual(await codesOf(readSignedReceipt(file, policy())), ["E_RECEIPT"]);
  assert.deepEqual(await codesOf(writeReceipt(receipt(), folder, join(folder, "no-key"))), ["E_SIGNING_KEY"]);
});

/** An allowed signers file with these words before the key. */
async function signersFile(name: string, options: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(
    file,
    (await readFile(allowedSigners, "utf8")).replace("namespaces=", `${options},namespaces=`),
  );
  return file;
}

test("a receipt stays valid when its key expires after its date; a revoked key signs nothing", async () => {
  const file = await writeReceipt(receipt(), join(folder, "dated"), key);
  const ended = await signersFile("ended", 'valid-before="20261201"');
  assert.deepEqual((await readSignedReceipt(file, { allowedSigners: ended })).signers, ["auditor@plant"]);
  const before = await signersFile("before", 'valid-before="20261101"');
  assert.deepEqual(await codesOf(readSignedReceipt(file, { allowedSigners: before })), ["E_RECEIPT"]);
  const later = await signersFile("later", 'valid-after="20261122"');
  assert.deepEqual(await codesOf(readSignedReceipt(file, { allowedSigners: later })), ["E_RECEIPT"]);
  const [revoked] = await assertRefused(
    readSignedReceipt(file, { allowedSigners, revokedKeys: `${key}.pub` }),
  );
  assert.match(revoked?.fix ?? "", /its key is revoked/);
});

test("everybody who has the key is named", async () => {
  const file = await writeReceipt(receipt(), join(folder, "two"), key);
  const two = join(folder, "two-signers");
  const text = await readFile(allowedSigners, "utf8");
  await writeFile(two, text + text.replace("auditor@plant", "deputy@plant"));
  assert.deepEqual((await readSignedReceipt(file, { allowedSigners: two })).signers, [
    "auditor@plant",
    "deputy@plant",
  ]);
});

test("signed content that is no receipt is refused: its shape is checked", async () => {
  const cases: readonly [Record<string, unknown>, RegExp][] = [
    [{ bundle: { ...receipt().bundle, serial: "<script>alert(1)</script>" } }, /serial must be integer/],
    [{ site: "../../etc/passwd" }, /site must match/],
    [{ previous: { file: "../x.json", sha256: "ab".repeat(32) } }, /previous/],
    [{ format: 1 }, /format must be equal/],
    [{ more: true }, /additional properties/],
    [{ ended: "yesterday" }, /ended must match/],
  ];
  for (const [at, [more, words]] of cases.entries()) {
    const file = await writeReceipt(receipt(), join(folder, `shape-${at}`), key);
    const text = JSON.stringify({ ...receipt(), ...more });
    await writeFile(file, text);
    await rm(`${file}.sig`);
    const signed = await runProcess(
      "ssh-keygen",
      ["-Y", "sign", "-f", key, "-n", "sealift-receipt", file],
      {},
    );
    assert.equal(signed.exitCode, 0, signed.stderr);
    const [problem] = await assertRefused(readSignedReceipt(file, policy()));
    assert.match(problem?.found ?? "", words);
  }
});

test("receipts are a chain: a changed or missing one is detected", async () => {
  const directory = join(folder, "chain");
  const files: string[] = [];
  for (const minute of [1, 2, 3]) {
    const place = await nextInChain(directory, "prod");
    assert.equal(place.number, minute);
    files.push(
      await writeReceipt(receipt({ ...place, ended: `2026-11-21T18:0${minute}:00.000Z` }), directory, key),
    );
  }
  // Another site of the same folder has a chain of its own.
  assert.deepEqual(await nextInChain(directory, "prod-eu"), { number: 1, previous: null });
  const all = await verifyReceipts(directory, policy());
  assert.deepEqual(
    all.map(({ receipt: { number } }) => number),
    [1, 2, 3],
  );
  const [one = "", two = "", three = ""] = files;
  await rm(two);
  const [left] = await assertRefused(verifyReceipts(directory, policy()));
  assert.match(left?.found ?? "", /^no prod-20261121T180200Z\.json in the folder$/);
  // Signed again with the same key and other content: the next receipt names another.
  await writeReceipt(receipt({ number: 2, ended: "2026-11-21T18:02:00.000Z" }), directory, key);
  const [replaced] = await assertRefused(verifyReceipts(three, policy()));
  assert.match(replaced?.fix ?? "", /it was changed or replaced after this one was written/);
  assert.deepEqual((await verifyReceipts(one, policy())).length, 1);
});

test("no insider can leave a receipt out: not by a copy under another name, nor by a second one after the same, nor by numbers", async () => {
  const directory = join(folder, "insider");
  const write = async (minute: number, more: Partial<Receipt> = {}): Promise<string> =>
    writeReceipt(
      receipt({
        ...(await nextInChain(directory, "prod")),
        ended: `2026-11-21T18:0${minute}:00.000Z`,
        ...more,
      }),
      directory,
      key,
    );
  await write(1);
  const two = await write(2);
  const decoy = join(directory, "prod-20991231T000000Z.json");
  for (const end of ["", ".sig"]) await copyFile(`${two}${end}`, `${decoy}${end}`);
  for (const path of [directory, decoy]) {
    const [problem] = await assertRefused(verifyReceipts(path, policy()));
    assert.match(problem?.expected ?? "", /^prod-20261121T180200Z\.json, according to its content$/);
  }
  for (const end of ["", ".sig"]) await rm(`${decoy}${end}`);
  // The existing last receipt is checked before another is chained to it.
  for (const text of ["{}", (await readFile(two, "utf8")).replace('"number": 2', '"number": 9')]) {
    await writeFile(decoy, text);
    assert.deepEqual(await codesOf(nextInChain(directory, "prod")), ["E_RECEIPT"]);
  }
  await rm(decoy);
  // The clock has gone back: the chain goes on by its numbers.
  assert.equal((await nextInChain(directory, "prod")).previous?.file, basename(two));
  const three = await write(0);
  await write(4);
  assert.deepEqual(
    (await verifyReceipts(directory, policy())).map(({ receipt: { number } }) => number),
    [1, 2, 3, 4],
  );
  const after = { number: 5, previous: (await readSignedReceipt(three, policy())).receipt.previous };
  const cases: readonly [Partial<Receipt>, RegExp][] = [
    [
      after,
      /previous: found: prod-20261121T180200Z\.json; expected: prod-20261121T180400Z\.json, which has the previous number/,
    ],
    [
      { number: 4 },
      /number: found: 4, the same as in prod-20261121T180\d00Z\.json; expected: one receipt per number/,
    ],
    [{ number: 7 }, /number: found: 7; expected: 5, after 4/],
    [
      { previous: null },
      /number: found: 5, with no previous receipt; expected: number 1 for the first receipt/,
    ],
    [{ number: 1 }, /number: found: 1, /],
  ];
  for (const [more, words] of cases) {
    const file = await write(5, more);
    const [problem] = await assertRefused(verifyReceipts(directory, policy()));
    assert.match(formatProblem(problem ?? assert.fail()), words);
    for (const end of ["", ".sig"]) await rm(`${file}${end}`);
  }
});

test("whatever a host reports about itself, its receipt can be read again, and one that could not is not signed", async () => {
  const { volumes } = exampleHost();
  const lines = [
    `drift\treceipt.fill.${volumes.logicalVolumes[0]?.mount ?? ""}\tx\t${"9".repeat(380)} 1\tnone`,
    `drift\treceipt.ends.${certificates[0].path}\tx\tNov 21 18:00:00 20270 GMT\tnone`,
    `drift\t${second}\tx\t${"y".repeat(16_000)}\tnone`,
    `value\treceipt.installed\t/${"a".repeat(9000)} ${"ab".repeat(32)}`,
    `done 62ff67b1 ${"9".repeat(400)}`,
    "done 62ff67b1 4",
  ];
  const hostile = { kind: "reached", report: parseReport(lines.join("\n")) } as const;
  const hosts = [hostReceipt(host(probeOf([])), hostile)];
  const file = await writeReceipt(receipt({ hosts }), join(folder, "hostile"), key);
  assert.deepEqual((await readSignedReceipt(file, policy())).receipt, receipt({ hosts }));
  const [problem] = await assertRefused(
    writeReceipt(receipt({ number: Infinity }), join(folder, "unreadable"), key),
  );
  assert.match(
    formatProblem(problem ?? assert.fail()),
    /E_RECEIPT receipt: found: \/number must be integer; expected: a receipt that Sealift can read back/,
  );
});

test("a signature made for a bundle does not count for a receipt", async () => {
  const file = await writeReceipt(receipt(), join(folder, "bundle-key"), key);
  const bundles = join(folder, "bundle-signers");
  await writeFile(
    bundles,
    (await readFile(allowedSigners, "utf8")).replace("sealift-receipt", "sealift-bundle"),
  );
  assert.deepEqual(await codesOf(readSignedReceipt(file, { allowedSigners: bundles })), ["E_RECEIPT"]);
});

test("the page needs nothing but itself, and a browser shows what the receipt says", async () => {
  await ensurePackages("page");
  const page = join(folder, "page.html");
  const html = receiptPage(receipt(), ["auditor@plant"]);
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
  assert.match(stdout, /<title>prod: \d+ hold, 1 with a warning, 1 does not hold, 1 not checked<\/title>/);
  assert.match(stdout, /found: &lt;b&gt;something else&lt;\/b&gt;\\u001b\[31m/);
  assert.match(stdout, /<meter[^>]*value="20"/);
  assert.match(stdout, /certificate of the registry<\/th>\s*<td>expires 2027-11-21T18:00/);
  assert.match(stdout, /serial 7, signed by team@office, second@office/);
});

test("the command summarizes a receipt in a few lines, and refuses a changed one", async () => {
  const file = await writeReceipt(receipt(), join(folder, "typed"), key);
  const run = (...words: string[]): ReturnType<typeof runProcess> =>
    runProcess(process.execPath, [join(checkout, "cli", "sealift.js"), "receipt", ...words], { cwd: folder });
  const good = await run("verify", file, "--allowed-signers", allowedSigners);
  assert.equal(good.exitCode, 0, good.stderr);
  assert.match(
    good.stdout,
    /^prod, 2026-11-21T18:05:00\.000Z: receipt 1, the first, signed by auditor@plant; bundle serial 7, signed by team@office, second@office\n/,
  );
  assert.match(good.stdout, /reports: \d+ hold, 1 with a warning, 1 does not hold, 1 not checked +1 changed/);
  assert.match(
    good.stdout,
    /^checked with: sealift receipt verify .*\.json --allowed-signers .*\nrun by ops on desk with Sealift 0\.1\.0, site commit (12){20}\n/m,
  );
  assert.match(good.stdout, /^node-a +engine 28\.5\.2 requested +none of \d+ pinned files present /m);
  const revoked = await run(
    "verify",
    file,
    "--allowed-signers",
    allowedSigners,
    "--revoked-keys",
    `${key}.pub`,
  );
  assert.equal(revoked.exitCode, 77, revoked.stderr);
  const page = await run("page", file, "--allowed-signers", allowedSigners, "-o", join(folder, "typed.html"));
  assert.equal(page.exitCode, 0, page.stderr);
  assert.match(await readFile(join(folder, "typed.html"), "utf8"), /auditor@plant/);
  await writeFile(file, (await readFile(file, "utf8")).replace("team@office", "team@0ffice"));
  const bad = await run("verify", file, "--allowed-signers", allowedSigners);
  assert.equal(bad.exitCode, 77, bad.stderr);
});

/** Attacks on the attestation of a pin: servers, networks and insiders that want other bytes pinned, or fewer people asked. */
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, beforeEach, test } from "node:test";
import { formatProblem } from "../../modules/core/errors.ts";
import { buildBundle } from "../../offline-bundle/build.ts";
import type { LockResult } from "../../offline-bundle/lock.ts";
import { signersOf } from "../../offline-bundle/upstream/openpgp.ts";
import { signedOrigin } from "../../offline-bundle/locking/signed-origin.ts";
import { readBundleSpec } from "../../offline-bundle/spec/read-bundle-spec.ts";
import { writeDeb } from "../support/fixtures/deb-package.ts";
import { hostileServer, type HostileServer } from "../support/servers/hostile-server.ts";
import { aptRepository, makePublisher, type Publisher, writeKeys } from "../support/fixtures/publisher.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
import { sha256Of } from "../support/fixtures/sha256-of.ts";
import { program, type SourcesUnderTest, sourcesUnderTest } from "../support/fixtures/sources-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

const content = Buffer.from("a program\n");
const sums = `${sha256Of(content)}  tool-amd64\n${"0".repeat(64)}  tool-arm64\n`;
const lies = `${sha256Of("another program\n")}  tool-amd64\n`;

let site: SourcesUnderTest;
let server: HostileServer;
let publisher: Publisher;
let untrusted: Publisher;
let deb: Buffer;
const undo = undoAfter();
before(async () => {
  site = await sourcesUnderTest();
  undo(() => site.remove());
  server = await hostileServer({}, site.certificate);
  undo(() => {
    server.close();
  });
  const folder = mkdtempSync(join(tmpdir(), "pub-"));
  undo(() => rm(folder, { recursive: true, force: true }));
  publisher = makePublisher(join(folder, "a"), "publisher");
  undo(() => {
    publisher.remove();
  });
  untrusted = makePublisher(join(folder, "b"), "stranger");
  undo(() => {
    untrusted.remove();
  });
  const file = join(site.folder, "made.deb");
  await writeDeb(file, "Package: docker-ce\nVersion: 5:29.8.1-1\nArchitecture: amd64\n");
  deb = await readFile(file);
});
beforeEach(async () => {
  server.set("tool-amd64", { content });
  server.set("SHA256SUMS", { content: Buffer.from(sums) });
  server.set("SHA256SUMS.asc", { content: publisher.clearSign(sums) });
  for (const path of [site.store, site.lockFile]) await rm(path, { recursive: true, force: true });
});

const url = (path: string): string => server.url(path).href;
const keysOf = (...publishers: readonly Publisher[]): object => ({
  keys: writeKeys(site.folder, "publisher.asc", publisher, untrusted),
  fingerprints: publishers.map(({ fingerprint }) => fingerprint),
});
const tool = (more: object = {}): object => program("tool", `${url("tool")}-{arch}`, more);
const signed = (path = "SHA256SUMS.asc", ...by: readonly Publisher[]): object => ({
  signature: { url: url(path), ...keysOf(...(by.length > 0 ? by : [publisher])) },
});
const only = ({ lock }: LockResult): readonly [unknown, unknown] => [
  lock.files[0]?.origin,
  lock.files[0]?.signedBy,
];
const build = (): Promise<unknown> => buildBundle({ ...site, directory: join(site.folder, "bundle") });

test("each rank is recorded: nothing, a checksum file, a text that signs itself, a signature beside checksums or the file", async () => {
  const ranks: readonly (readonly [object, readonly [string, string | undefined]])[] = [
    [tool(), ["unverified", undefined]],
    [tool({ checksums: url("SHA256SUMS") }), ["checksum", undefined]],
    [tool(signed()), ["signature", publisher.fingerprint]],
    [tool({ checksums: url("SHA256SUMS"), ...signed("sums.sig") }), ["signature", publisher.fingerprint]],
    [tool(signed("tool.asc")), ["signature", publisher.fingerprint]],
  ];
  server.set("sums.sig", { content: publisher.sign(sums) });
  server.set("tool.asc", { content: publisher.sign(content, true) });
  for (const [file, expected] of ranks) {
    await rm(site.lockFile, { force: true });
    await site.spec({ files: [file] });
    assert.deepEqual(only(await site.lock()), expected);
    // The same again: what was found stays, and nothing is written.
    assert.equal((await site.lock()).changed, false);
  }
});

test("a wrong signature: a text that was altered under it, and one by a key that is not pinned", async () => {
  await site.spec({ files: [tool(signed())] });
  const altered = publisher.clearSign(sums).toString().replace("tool-arm64", "tool-riscv");
  server.set("SHA256SUMS.asc", { content: Buffer.from(altered) });
  const [bad] = await assertRefused(site.lock());
  assert.equal(bad?.code, "E_PIN_SIGNATURE");
  assert.match(bad.found, /^BADSIG [0-9A-F]+$/);
  // In the very keyring, and still nobody's whom bundle.yaml names.
  server.set("SHA256SUMS.asc", { content: untrusted.clearSign(sums) });
  const [other] = await assertRefused(site.lock());
  assert.equal(other?.code, "E_PIN_SIGNATURE");
  assert.equal(other.found, `a signature by ${untrusted.fingerprint}`);
  assert.equal(other.expected, `a valid signature by ${publisher.fingerprint}`);
  server.set("SHA256SUMS.asc", { content: Buffer.from(sums) });
  assert.equal((await assertRefused(site.lock()))[0]?.code, "E_PIN_SIGNATURE");
  await assert.rejects(readFile(site.lockFile), "nothing was pinned");
});

test("a signature over a file applies to the pin of these bytes alone", async () => {
  await site.spec({ files: [tool(signed("tool.asc"))] });
  server.set("tool.asc", { content: publisher.sign(content, true) });
  const { files } = await readBundleSpec(site.bundleFile);
  const entry = files[0];
  assert.ok(entry !== undefined);
  const path = join(site.folder, "earlier-release");
  await writeFile(path, content);
  const origin = (pinned: string): Promise<unknown> =>
    signedOrigin(entry, pinned, path, { ...site, mirrors: {} });
  const { fingerprint } = publisher;
  assert.deepEqual(await origin(sha256Of(content)), { signedBy: fingerprint, sources: [url("tool.asc")] });
  const [problem] = await assertRefused(origin(sha256Of("another program\n")));
  assert.deepEqual([problem?.code, problem?.found], ["E_PIN_MISMATCH", sha256Of(content)]);
});

test("the right signature over another hash, and right words outside of what was signed", async () => {
  await site.spec({ files: [tool(signed())] });
  server.set("SHA256SUMS.asc", { content: publisher.clearSign(lies) });
  const [problem] = await assertRefused(site.lock());
  assert.equal(problem?.code, "E_PIN_SOURCES");
  assert.match(problem.found, new RegExp(`${sha256Of(content)}; signed: ${sha256Of("another program\n")}$`));
  // What stands before and after the signed text is anybody's.
  for (const around of [
    Buffer.concat([Buffer.from(`${sums}\n`), publisher.clearSign("nothing\n")]),
    Buffer.concat([publisher.clearSign("nothing\n"), Buffer.from(sums)]),
  ]) {
    server.set("SHA256SUMS.asc", { content: around });
    assert.match((await assertRefused(site.lock()))[0]?.code ?? "", /^E_PIN_(SOURCES|SIGNATURE)$/);
  }
});

test("two messages in one: what another key has signed is not read under the publisher's signature", async () => {
  server.set("tool-amd64", { content: Buffer.from("another program\n") });
  await site.spec({ files: [tool(signed())] });
  const [theirs, right] = [untrusted.clearSign(lies), publisher.clearSign("nothing\n")];
  for (const message of [
    [theirs, right],
    [right, theirs],
  ]) {
    server.set("SHA256SUMS.asc", { content: Buffer.concat(message) });
    const [problem] = await assertRefused(site.lock());
    assert.deepEqual([problem?.code, problem?.found], ["E_PIN_SIGNATURE", "2 signed messages in one"]);
    await assert.rejects(readFile(site.lockFile), "nothing was pinned");
  }
});

test("without gpgv a pin that requires a signature is not made, and the package is named", async () => {
  await site.spec({ files: [tool(signed())] });
  process.env["SEALIFT_GPGV"] = join(site.folder, "no-such-gpgv");
  try {
    const [problem] = await assertRefused(site.lock());
    assert.deepEqual([problem?.code, problem?.found], ["E_TOOL", "no such program"]);
    assert.match(problem?.fix ?? "", /install the package gpgv/);
  } finally {
    delete process.env["SEALIFT_GPGV"];
  }
});

test("every lock checks a signature again: a withdrawn one stops it, an unreachable server leaves the pin as it is", async () => {
  await site.spec({ files: [tool({ checksums: url("SHA256SUMS"), ...signed() })] });
  await site.lock();
  server.set("SHA256SUMS.asc", { content: publisher.clearSign(lies) });
  assert.equal((await assertRefused(site.lock()))[0]?.code, "E_PIN_SOURCES");
  server.set("SHA256SUMS.asc", { redirect: url("absent") });
  const { changes, lock, changed } = await site.lock();
  assert.deepEqual([changes[0]?.change, lock.files[0]?.origin, changed], ["unseen", "signature", false]);
});

test("a manually written rank in a lock is checked: by lock --check, by a build, and once on each machine", async () => {
  const checksums = url("SHA256SUMS");
  const expected = (more: object): Promise<void> => site.spec({ minOrigin: "checksum", files: [tool(more)] });
  for (const [more, publish, lie] of [
    [{ checksums }, { content: Buffer.from(sums) }, { content: Buffer.from(lies) }],
    [
      { checksums, ...signed("sums.sig") },
      { content: publisher.sign(sums) },
      { content: untrusted.sign(sums) },
    ],
    [
      signed("tool.asc"),
      { content: publisher.sign(content, true) },
      { content: untrusted.sign(content, true) },
    ],
  ] as const) {
    const at = "signature" in more ? more.signature : { url: checksums };
    const path = new URL((at as { url: string }).url).pathname.slice(1);
    server.set("SHA256SUMS", { content: Buffer.from(sums) });
    server.set(path, publish);
    await rm(site.lockFile, { force: true });
    await expected(more);
    await site.lock();
    // Another machine: the lock is there, and nobody was asked.
    const elsewhere = (): Promise<void> => rm(site.store, { recursive: true, force: true });
    await elsewhere();
    server.set(path, lie);
    for (const work of [(): Promise<unknown> => site.lock({ check: true }), build, site.fetch]) {
      const [problem] = await assertRefused(work());
      assert.match(problem?.code ?? "", /^E_PIN_(SOURCES|SIGNATURE)$/, JSON.stringify(more));
    }
    // Nobody can be asked: the rank counts for nothing.
    await elsewhere();
    server.set(path, { redirect: url("absent") });
    assert.deepEqual([(await assertRefused(site.lock({ check: true })))[0]?.code], ["E_PIN_ORIGIN"]);
    const [withoutPolicy] = await assertRefused(build());
    assert.equal(withoutPolicy?.code, "E_PIN_ORIGIN");
    assert.match(withoutPolicy.found, /the publisher could not be reached/);
    // Once somebody was asked, the store says so, and a build needs no publisher.
    server.set(path, publish);
    await site.fetch();
    server.set(path, { redirect: url("absent") });
    await build();
    assert.equal((await site.lock({ check: true })).changed, false);
  }
});

const repository = async (
  packages: readonly { readonly sha256: string; readonly filename?: string; readonly version?: string }[],
  options: Parameters<typeof aptRepository>[2] = {},
  by = publisher,
): Promise<void> => {
  const files = aptRepository(
    by,
    packages.map((one) => ({
      name: "docker-ce",
      version: "5:29.8.1-1",
      filename: "pool/docker-ce.deb",
      ...one,
    })),
    options,
  );
  for (const [path, bytes] of files) server.set(`apt/${path}`, { content: bytes });
  server.set("apt/pool/docker-ce.deb", { content: deb });
  await site.spec({
    files: [
      program("docker-ce", url("apt/pool/docker-ce.deb"), {
        ...{ kind: "deb", versions: ["5:29.8.1-1"] },
        apt: { repository: url("apt"), suite: "stable", component: "main", ...keysOf(publisher) },
      }),
    ],
  });
};

test("lock --check compares what a lock says about the content of a file if its bytes are present", async () => {
  const changes = async (): Promise<readonly string[]> =>
    (await site.lock({ check: true })).changes.map(({ change }) => change);
  for (const file of [tool(), tool(signed())]) {
    await rm(site.lockFile, { force: true });
    await site.spec({ files: [file] });
    await site.lock();
    assert.deepEqual(await changes(), ["checked"]);
    const lock = await readFile(site.lockFile, "utf8");
    await writeFile(site.lockFile, lock.replace(/bytes: \d+/, "bytes: 5"));
    const [problem] = await assertRefused(site.lock({ check: true }));
    assert.equal(problem?.code, "E_PIN_MISMATCH");
    assert.match(formatProblem(problem), /tool .* bytes: found: 10; expected: 5, as recorded in the lock/);
    await writeFile(site.lockFile, lock);
  }
  await site.spec({ files: [tool()] });
  await rm(site.lockFile);
  await site.lock();
  await rm(site.store, { recursive: true });
  assert.deepEqual(await changes(), ["kept"]);
});

test("a package of a signed apt repository is the publisher's", async () => {
  await repository([{ sha256: sha256Of(deb) }]);
  const result = await site.lock();
  assert.deepEqual(only(result), ["signature", publisher.fingerprint]);
  assert.deepEqual(result.lock.files[0]?.sources, [
    url("apt/dists/stable/InRelease"),
    url("apt/dists/stable/main/binary-amd64/Packages.gz"),
  ]);
  assert.equal((await site.lock()).changed, false);
});

test("an apt repository that lies: another hash, another name, a Release that has expired or is another suite's, an index that is not its own", async () => {
  const reported = async (): Promise<string> => (await assertRefused(site.lock())).map(formatProblem).join();
  await repository([{ sha256: sha256Of("another package") }]);
  assert.match(await reported(), /E_PIN_SOURCES docker-ce/);
  await repository([{ sha256: sha256Of(deb), filename: "pool/other.deb" }]);
  assert.match(await reported(), /E_PIN_SOURCES .*signed: nothing about docker-ce\.deb/);
  await repository([{ sha256: sha256Of(deb) }], { validUntil: "Sat, 01 Nov 2025 00:00:00 UTC" });
  assert.match(
    await reported(),
    /E_PIN_SIGNATURE .*found: a Release that was valid until 2025-11-01T00:00:00\.000Z/,
  );
  await repository([{ sha256: sha256Of(deb) }], { validUntil: "some day" });
  assert.match(await reported(), /E_PIN_SIGNATURE .*valid until 1970/);
  await repository([{ sha256: sha256Of(deb) }], { suite: "oldstable" });
  assert.match(
    await reported(),
    /E_PIN_SIGNATURE .*found: the Release of oldstable; expected: the Release of stable/,
  );
  await repository([{ sha256: sha256Of(deb) }], {}, untrusted);
  assert.match(await reported(), /E_PIN_SIGNATURE .*found: a signature by/);
  await repository([{ sha256: sha256Of(deb) }]);
  await repository([{ sha256: sha256Of(deb), version: "5:29.8.0-1" }]);
  assert.match(await reported(), /E_PIN_SOURCES .*signed: nothing about docker-ce\.deb/);
  // The signed index knows another package; the one that is served knows this one, and nobody has signed it.
  await repository([
    { sha256: sha256Of("another") },
    { sha256: sha256Of("more"), filename: "pool/more.deb" },
  ]);
  const [, forged] = aptRepository(untrusted, [
    { name: "docker-ce", version: "5:29.8.1-1", filename: "pool/docker-ce.deb", sha256: sha256Of(deb) },
  ]);
  server.set("apt/dists/stable/main/binary-amd64/Packages.gz", { content: forged?.[1] ?? Buffer.alloc(0) });
  assert.match(
    await reported(),
    /Packages\.gz: E_PIN_SOURCES .*: found: sha256 \w{64}; expected: \w{64}, as listed in its Release/,
  );
  await assert.rejects(readFile(site.lockFile), "nothing was pinned");
});

test("a rank is not lowered silently: removing the signature from bundle.yaml is refused, and --update accepts it", async () => {
  const checksums = url("SHA256SUMS");
  await site.spec({ files: [tool({ checksums, ...signed() })] });
  await site.lock();
  await site.spec({ files: [tool({ checksums })] });
  const [problem] = await assertRefused(site.lock());
  assert.deepEqual(
    [problem?.code, problem?.found],
    ["E_PIN_ORIGIN", "checksum, but the lock records signature"],
  );
  // Another key in place of the publisher's.
  await site.spec({ files: [tool({ checksums, ...signed("SHA256SUMS.asc", untrusted) })] });
  assert.equal((await assertRefused(site.lock()))[0]?.code, "E_PIN_SIGNATURE");
  await site.spec({ files: [tool({ checksums })] });
  const { lock, differences } = await site.lock({ update: ["tool"] });
  assert.equal(lock.files[0]?.origin, "checksum");
  assert.ok(
    differences.some(({ what, from, to }) => what === "origin" && from === "signature" && to === "checksum"),
  );
});

test("what a person has found at other parties stays with these bytes, also when the pin is made again, and goes with others", async () => {
  const two = ["one.example/a file", "two.example/another"];
  await site.spec({ minOrigin: "agreement", files: [tool()] });
  await site.lock();
  const text = await readFile(site.lockFile, "utf8");
  const alone = text
    .replace("- computed-here", `- ${two[0] ?? ""}`)
    .replace("origin: unverified", "origin: agreement");
  await writeFile(site.lockFile, alone);
  assert.match(
    (await assertRefused(build()))[0]?.found ?? "",
    /fewer than two independent sources are listed/,
  );
  await writeFile(
    site.lockFile,
    alone.replace(/^( +)- one\.example.*$/m, (line, blanks: string) => `${line}\n${blanks}- ${two[1] ?? ""}`),
  );
  for (const update of [[], ["tool"]]) {
    const { lock } = await site.lock({ update });
    assert.deepEqual([lock.files[0]?.origin, lock.files[0]?.sources], ["agreement", two]);
  }
  await build();
  server.set("tool-amd64", { content: Buffer.from("another program\n") });
  await rm(site.store, { recursive: true });
  const { lock } = await site.lock({ update: ["tool"] });
  assert.deepEqual([lock.files[0]?.origin, lock.files[0]?.sources], ["unverified", ["computed-here"]]);
});

test("what nobody attests is not built, until a person confirms these very bytes", async () => {
  const expected = { minOrigin: undefined, files: [tool()] };
  await site.spec(expected);
  await site.lock();
  const [problem, ...more] = await assertRefused(build());
  assert.deepEqual([problem?.code, more.length], ["E_PIN_ORIGIN", 0]);
  assert.match(problem?.found ?? "", /^self-computed, unverified: computed-here$/);
  assert.match(problem?.fix ?? "", new RegExp(`confirmed: \\[\\{ sha256: ${sha256Of(content)}, by: <you>`));
  const confirmed = (sha256: string): object => ({
    ...expected,
    confirmed: [{ sha256, by: "alice@office", reason: "compared with a second download" }],
  });
  await site.spec(confirmed(sha256Of("other bytes")));
  assert.equal((await assertRefused(build()))[0]?.code, "E_PIN_ORIGIN");
  await site.spec(confirmed(sha256Of(content)));
  await build();
});

test("minOrigin: signature accepts nothing less, and a lock cannot raise itself", async () => {
  const checksums = url("SHA256SUMS");
  const expected = (file: object): object => ({ minOrigin: "signature", files: [file] });
  await site.spec(expected(tool({ checksums })));
  await site.lock();
  assert.equal((await assertRefused(build()))[0]?.code, "E_PIN_ORIGIN");
  // An insider writes into the lock what nobody has checked.
  const text = await readFile(site.lockFile, "utf8");
  for (const forged of ["origin: signature", `origin: signature\n    signedBy: ${publisher.fingerprint}`]) {
    await writeFile(site.lockFile, text.replace("origin: checksum", forged));
    const [problem] = await assertRefused(build());
    assert.equal(problem?.code, "E_PIN_ORIGIN");
    assert.match(
      problem.found,
      /^unverified, though|^self-computed, unverified, although the lock records signature \(bundle\.yaml does not name the key/,
    );
  }
  await writeFile(site.lockFile, text);
  await site.spec(expected(tool({ checksums, ...signed() })));
  await site.lock();
  await build();
});

test("of the signatures in one message the good ones count, and none beside one that is expired or revoked", () => {
  const status = (...lines: readonly string[]): ReturnType<typeof signersOf> =>
    signersOf(lines.map((line) => `[GNUPG:] ${line}\n`).join(""));
  const valid = "VALIDSIG AAAA 2026-01-01 1767225600 0 4 0 22 10 01 BBBB";
  assert.deepEqual(status("NEWSIG", "GOODSIG 1 x", valid), { good: ["BBBB"], others: [] });
  for (const word of ["EXPSIG", "EXPKEYSIG", "REVKEYSIG", "BADSIG", "ERRSIG"])
    assert.deepEqual(status("NEWSIG", `${word} 1 x`, valid), { good: [], others: [`${word} 1`] });
  assert.deepEqual(status("NEWSIG", "ERRSIG 1 22", "NEWSIG", "GOODSIG 2 x", valid).good, ["BBBB"]);
  assert.deepEqual(status("NODATA 1"), { good: [], others: [] });
  // A name cannot bring a line of its own.
  assert.deepEqual(signersOf(`[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG 1 x ${valid}\n`).good, []);
});

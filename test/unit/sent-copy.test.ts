/** Pulumi sends from a copy of ours: whatever a medium makes of a blob after its verification, the copy has the verified bytes. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Blob } from "../../modules/core/host/blob.ts";
import { beginSending } from "../../modules/core/pulumi/sending.ts";
import { SentCopies } from "../../modules/core/pulumi/sent-copy.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
import { sha256Of } from "../support/fixtures/sha256-of.ts";

const folder = mkdtempSync(join(tmpdir(), "sent-"));
after(() => {
  rmSync(folder, { recursive: true });
});

const text = "the bytes of a blob\n";
/** A blob as it was verified, and the copies of a run. */
function verified(name: string): { blob: Blob; copies: SentCopies; at: string; own: string } {
  const path = join(folder, name);
  writeFileSync(path, text);
  const blob = { sha256: sha256Of(text), bytes: text.length, path };
  const own = join(folder, `${name}-copies`);
  const copies = new SentCopies("prod", own);
  return { blob, copies, own, at: join(process.cwd(), copies.path(blob)) };
}
const left = (own: string): readonly string[] =>
  readdirSync(own).flatMap((stack) => readdirSync(join(own, stack)));

test("a copy is made where nobody else can write, once, and is removed at the end", async () => {
  const { blob, copies, own, at } = verified("right");
  await Promise.all([copies.make(blob), copies.make(blob)]);
  assert.equal(readFileSync(at, "utf8"), text);
  assert.equal(statSync(at).mode & 0o777, 0o600);
  assert.equal(statSync(join(at, "..")).mode & 0o777, 0o700);
  assert.equal(left(own).length, 1);
  // Nobody asks the medium a second time.
  rmSync(blob.path);
  await copies.make(blob);
  copies.removeAll();
  assert.deepEqual(readdirSync(own), []);
});

test("an existing file in place of a copy is replaced, and a link there is not followed", async () => {
  const { blob, copies, at } = verified("planted");
  const elsewhere = join(folder, "elsewhere");
  writeFileSync(elsewhere, "mine");
  mkdirSync(join(at, ".."), { recursive: true });
  symlinkSync(elsewhere, at);
  await copies.make(blob);
  assert.equal(readFileSync(elsewhere, "utf8"), "mine");
  assert.equal(readFileSync(at, "utf8"), text);
});

test("a file that the host has is held open as a file, without a copy; a link is not", async () => {
  const { blob, copies, own, at } = verified("held");
  const sending = beginSending(copies, false);
  const path = await sending.path(blob, false);
  assert.match(path, /^\/proc\/\d+\/fd\/\d+$/);
  assert.equal(await sending.path(blob, false), path);
  renameSync(blob.path, `${blob.path}.key`);
  symlinkSync("elsewhere", blob.path);
  assert.equal(readFileSync(path, "utf8"), text);
  assert.equal(existsSync(own), false);
  assert.equal(join(process.cwd(), await beginSending(copies, false).path(blob, false)), at);
  assert.equal(existsSync(at), false);
});

const changes: Readonly<Record<string, (path: string) => void>> = {
  "a link to a file of the operator's": (path) => {
    renameSync(path, `${path}.key`);
    symlinkSync(`${path}.key`, path);
  },
  "a named pipe": (path) => {
    rmSync(path);
    execFileSync("mkfifo", [path]);
  },
  "a folder": (path) => {
    rmSync(path);
    mkdirSync(path);
  },
  "other bytes": (path) => {
    writeFileSync(path, text.toUpperCase());
  },
  "more bytes": (path) => {
    writeFileSync(path, `${text}and more`);
  },
  nothing: (path) => {
    rmSync(path);
  },
};
for (const [what, change] of Object.entries(changes))
  test(`a blob that has become ${what} is refused, and nothing of it stays`, async () => {
    const { blob, copies, own } = verified(what.replaceAll(/\W/g, "-"));
    change(blob.path);
    const [problem] = await assertRefused(copies.make(blob));
    assert.equal(problem?.code, "E_BUNDLE_DIGEST");
    assert.deepEqual(left(own), []);
  });

/** The file that `sealift new` copies into a repository is the package of this Sealift, or it is refused in one line. */
import assert from "node:assert/strict";
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { installedTarball, readTarball } from "../../cli/new/sealift-tarball.ts";
import { SealiftError } from "../../modules/core/errors.ts";
import manifest from "../../package.json" with { type: "json" };
import { writeTgz } from "../support/fixtures/tgz.ts";

const folder = mkdtempSync(join(tmpdir(), "tarball-"));
after(() => {
  rmSync(folder, { recursive: true });
});

/** A package with this package.json, behind another file. */
async function tarball(content: object): Promise<string> {
  const file = join(folder, `${Object.values(content).join("-")}.tgz`);
  const entries = [
    { path: "package/LICENSE", content: "text\n".repeat(1000) },
    { path: "package/package.json", content: JSON.stringify(content) },
  ];
  await writeTgz(entries, createWriteStream(file));
  return file;
}

async function refusalOf(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof SealiftError, String(error));
  assert.equal(error.problems.length, 1);
  return error.message.replaceAll(folder, "…");
}

const { name, version } = manifest;

test("the package of this version is read with its integrity", async () => {
  const file = await tarball({ name, version });
  const { manifest: found, integrity, bytes } = await readTarball(file);
  assert.equal(found.version, version);
  assert.match(integrity, /^sha512-[A-Za-z0-9+/]{86}==$/);
  assert.ok(bytes.equals(readFileSync(file)));
});

test("a package of another version is refused with the command to run", async () => {
  assert.equal(
    await refusalOf(readTarball(await tarball({ name, version: "9.0.0" }))),
    `…/sealift-9.0.0.tgz: E_TOOLKIT_VERSION sealift: found: 9.0.0; expected: ${version}, the version of this command; ` +
      "fix: run the command of that version: npx --package …/sealift-9.0.0.tgz sealift new <folder>",
  );
});

test("what is no package of Sealift is refused: another package, a cut one, other bytes, no file", async () => {
  const tgz = readFileSync(await tarball({ name, version }));
  const written = (file: string, bytes: Buffer): string => {
    writeFileSync(join(folder, file), bytes);
    return join(folder, file);
  };
  for (const [file, found] of [
    [await tarball({ name: "other", version }), /found: other;/],
    [written("cut.tgz", tgz.subarray(0, tgz.length / 2)), /found: unexpected end of file;/],
    [written("bytes.tgz", Buffer.from("bytes")), /found: incorrect header check;/],
    [join(folder, "none.tgz"), /found: ENOENT/],
  ] as const)
    assert.match(await refusalOf(readTarball(file)), new RegExp(`^…/\\S+: E_VALUE package: ${found.source}`));
});

test("a checkout was not installed from a file, so the file has to be named", async () => {
  assert.match(
    await refusalOf(installedTarball()),
    /^--package: E_VALUE package: found: no record of the file/,
  );
});

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { format } from "prettier";
import { ensureSigningKey } from "../lab/bundle/signing-key.ts";
import { checkout } from "../lab/cache.ts";
import { runDocument, shapeOf } from "../support/docs/doc-walk.ts";
import { changedSite } from "../support/fixtures/site-text.ts";
import { makeTinyInputs, type TinyBundle } from "../support/fixtures/tiny-bundle.ts";
import { undoAfter } from "../support/process/undo.ts";

/** The first guide ends with an accepted bundle; the second continues with it. */
const documents = ["carry-it-across.md", "what-the-signature-protects.md"];

let tiny: TinyBundle;
let tools: string;
const undo = undoAfter();
before(async () => {
  tiny = await makeTinyInputs();
  undo(() => tiny.remove());
  tools = await prepare(tiny.folder);
});

for (const name of documents) {
  /** UPDATE_DOCS=1 puts in what was printed, when more than keys, dates and sizes differ. */
  test(`docs/guide/${name} shows what its commands print`, async () => {
    const file = join(checkout, "docs", "guide", name);
    const before = readFileSync(file, "utf8");
    const now = await format(runDocument(before, { cwd: tiny.folder, path: tools }), { parser: "markdown" });
    if (process.env["UPDATE_DOCS"] === "1" && shapeOf(before) !== shapeOf(now)) writeFileSync(file, now);
    assert.equal(shapeOf(readFileSync(file, "utf8")), shapeOf(now));
    assert.doesNotMatch(now, /^ +at |\(exit code 1\)/m);
  });
}

/** A folder as a team has it: wishes, environments, two people's keys, a medium. @returns a folder with `sealift` in it. */
async function prepare(folder: string): Promise<string> {
  for (const name of ["offline-bundle", "stacks", "keys", "out", "media", "tools"])
    mkdirSync(join(folder, name));
  const inputs = [
    "bundle.yaml",
    "image",
    ...["amd64", "arm64"].flatMap((arch) => [`docker-${arch}-28.5.2.tgz`]),
  ];
  for (const name of inputs) await rename(join(folder, name), join(folder, "offline-bundle", name));
  for (const arch of ["amd64", "arm64"]) {
    await rename(join(folder, `compose-${arch}`), join(folder, "offline-bundle", `compose-5.5.1-${arch}`));
    await writeFile(join(folder, "offline-bundle", `compose-5.5.2-${arch}`), `a newer compose for ${arch}\n`);
  }
  const wishes = join(folder, "offline-bundle", "bundle.yaml");
  const text = await readFile(wishes, "utf8");
  await writeFile(wishes, text.replace("file:compose-{arch}", "file:compose-{version}-{arch}"));
  await writeFile(
    join(folder, "stacks", "prod.site.yaml"),
    changedSite("version: 28.5.2", "version: 28.5.2\n      compose: 5.5.1"),
  );
  const signers: string[] = [];
  for (const name of ["alice", "bob"]) {
    const made = await ensureSigningKey(join(folder, "keys", `of-${name}`), `${name}@office`);
    signers.push(await readFile(made.allowedSigners, "utf8"));
    await symlink(made.file, join(folder, "keys", name));
    await symlink(`${made.file}.pub`, join(folder, "keys", `${name}.pub`));
  }
  await writeFile(join(folder, "stacks", "allowed_signers"), signers.join(""));
  await rm(join(folder, "key"), { recursive: true });
  const program = join(folder, "tools", "sealift");
  writeFileSync(
    program,
    `#!/bin/sh\nexec '${process.execPath}' '${join(checkout, "cli", "sealift.js")}' "$@"\n`,
  );
  chmodSync(program, 0o755);
  return join(folder, "tools");
}

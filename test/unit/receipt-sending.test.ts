/** The receipts of a site on their way to the host that backs them up. */
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { HostSpec } from "../../modules/core/site/site-spec.ts";
import { sendReceipts } from "../../modules/receipt/send.ts";
import { exampleHost } from "../support/fixtures/example-host.ts";

const backup: NonNullable<HostSpec["backup"]> = {
  ...{ restic: "0.19.1", password: "secrets/restic.age", receipts: { at: "04:00" } },
  store: { host: "store-a", address: "10.20.0.12", port: 8000 },
};
const names = ["prod-20261121T180000Z.json", "prod-20261122T180000Z.json", "prod-b-20261121T180000Z.json"];

/** Sends the receipts of prod by an ssh that is this script; the standard input of --take, and what was said. */
async function sent(list: string, take: string): Promise<{ readonly input: string; readonly said: string }> {
  const folder = mkdtempSync(join(tmpdir(), "sealift-receipts-"));
  const before = process.env["PATH"];
  try {
    for (const name of [...names, "notes.json"])
      for (const file of [name, `${name}.sig`, name.replace("json", "html")])
        writeFileSync(join(folder, file), `content of ${file}`);
    writeFileSync(
      join(folder, "ssh"),
      `#!/bin/sh\necho in\ncase $* in *--list*) ${list} ;; *--take*) cat >${folder}/input; ${take} ;; esac\n`,
    );
    chmodSync(join(folder, "ssh"), 0o755);
    process.env["PATH"] = `${folder}:${before ?? ""}`;
    const others = { ...exampleHost(), name: "node-z" };
    const problem = await sendReceipts([others, { ...exampleHost(), backup }], folder, "prod");
    let input = "";
    try {
      input = readFileSync(join(folder, "input"), "utf8");
    } catch {
      // Nothing was sent.
    }
    return { input, said: problem === undefined ? "" : `${problem.code} ${problem.found}` };
  } finally {
    process.env["PATH"] = before;
    rmSync(folder, { recursive: true });
  }
}

test("what the host does not have is sent with its signature, and nothing of another stack", async () => {
  const { input, said } = await sent(`echo ${names[0]}`, ":");
  assert.equal(said, "");
  const files = [`${names[0]}.sig`, names[1], `${names[1]}.sig`];
  const text = files.map((file) => `content of ${file}`);
  assert.equal(input, files.map((file, at) => `${file} ${text[at]?.length}\n${text[at]}`).join(""));
});

test("nothing is sent when all are there, and without a host that backs them up nobody is asked", async () => {
  const all = names.flatMap((name) => [name, `${name}.sig`]).join(" ");
  assert.deepEqual(await sent(`printf '%s\\n' ${all}`, ":"), { input: "", said: "" });
  assert.equal(await sendReceipts([exampleHost()], "/nowhere", "prod"), undefined);
});

test("a host that cannot take them is named, with its words; the run goes on", async () => {
  const old = await sent('echo "found: no /opt/sealift/backup/receipts"; exit 78', ":");
  assert.equal(old.said, "E_BACKUP found: no /opt/sealift/backup/receipts");
  const full = await sent("true", "echo 'found: no room' >&2; exit 1");
  assert.equal(full.said, "E_BACKUP found: no room");
});

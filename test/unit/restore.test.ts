/** What the operator's side makes of a host's answer about its backups, and the steps of a rehearsal. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { backupsText, restoreText } from "../../cli/restore.ts";
import { hostScriptCommand } from "../../modules/core/host/host-command.ts";
import { inScratch } from "../../modules/core/site/rehearsals.ts";
import type { AppSpec } from "../../modules/core/site/site-spec.ts";
import { parseBackupList, scriptProblemWords } from "../../modules/rollout/restore.ts";
import { exampleAppSpec } from "../support/fixtures/example-app.ts";
import { exampleHost } from "../support/fixtures/example-host.ts";
import { changedForBackups } from "../support/fixtures/site-text.ts";
import { runProcess } from "../support/process/run-process.ts";

const backup = {
  ...{ time: 1_795_833_000, snapshot: "ab".repeat(32), run: "0123456789abcdef", release: "2.4.0-0123abcd" },
  ...{ bytes: 5_300_000, files: ["database"], dumps: [] },
};
const answer = (more: object = {}): string =>
  JSON.stringify({
    ...{ app: "shop", host: "node-a", current: "2.4.0-0123abcd", running: ["database", "web"] },
    ...{ unfinished: null, backups: [backup], ...more },
  });

test("the answer of a host is a list of backups, or none", () => {
  const list = parseBackupList(answer());
  assert.deepEqual(list?.running, ["database", "web"]);
  assert.equal(list.unfinished, undefined);
  assert.equal(list.backups[0]?.snapshot, backup.snapshot);
  const unfinished = { snapshot: backup.snapshot, step: "place" };
  assert.deepEqual(parseBackupList(answer({ unfinished }))?.unfinished, unfinished);
  const wrong: readonly object[] = [
    { backups: [{ ...backup, snapshot: "--host" }] },
    { backups: [{ ...backup, time: -1 }] },
    { backups: [{ ...backup, time: 1e15 }] },
    { backups: [{ ...backup, release: "a\u001b[2Jb" }] },
    { backups: [{ ...backup, files: "database" }] },
    { backups: {} },
    { running: [1] },
  ];
  for (const one of wrong) assert.equal(parseBackupList(answer(one)), undefined, JSON.stringify(one));
  for (const text of ["", "null", "[]", "in\n{}"]) assert.equal(parseBackupList(text), undefined, text);
});

test("before the question stands what stops, and from when the data is", () => {
  const list = parseBackupList(answer({ unfinished: { snapshot: backup.snapshot, step: "place" } }));
  assert.ok(list?.backups[0]);
  const found = { host: exampleHost(), app: "shop", ...list };
  assert.equal(
    restoreText(found, list.backups[0]),
    [
      "node-a (10.20.0.11): restores shop",
      "  data of 2026-11-28T02:30:00Z, release 2.4.0-0123abcd, 5.3 MB, snapshot abababab",
      "  goes on with an interrupted restore of abababab (place)",
      "  stops database, web",
      "  present data is moved aside, and stays on the host",
    ].join("\n"),
  );
  assert.equal(
    backupsText(list),
    [
      "time                  snapshot  release         size    files     dumps",
      "2026-11-28T02:30:00Z  abababab  2.4.0-0123abcd  5.3 MB  database  -",
    ].join("\n"),
  );
});

test("before the question stands which data stays, because the backup has nothing of it", () => {
  const list = parseBackupList(answer());
  assert.ok(list?.backups[0]);
  const data = { database: { path: "/data/shop-db" }, cache: { path: "/data/shop-cache" } };
  const host = { ...exampleHost(), apps: [{ ...exampleAppSpec, name: "shop", data }] };
  assert.match(
    restoreText({ host, app: "shop", ...list }, list.backups[0]),
    /\n {2}the backup has nothing of cache, which keeps its present data\n {2}stops /,
  );
});

test("an undo asks the host for no list of backups: the store may be gone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sealift-undo-"));
  try {
    for (const name of ["stacks", "bin"]) mkdirSync(join(folder, name));
    writeFileSync(
      join(folder, "stacks/Pulumi.prod.yaml"),
      changedForBackups({
        apps: `[{ name: shop, version: 2.4.0, hosts: [node-a], data: { db: { path: /data/shop-db } }, backup: { at: "02:30", snapshot: data } }]`,
        backups:
          "{ restic: 0.19.1, restServer: 0.14.0, password: secrets/restic.age, store: { host: node-b, mount: /backup } }",
        secrets:
          "{ age: 1.3.1, recoveryKey: age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p }",
      }),
    );
    const ssh = join(folder, "bin/ssh");
    writeFileSync(
      ssh,
      `#!/bin/sh\necho "\${*##*script }" >>"$ASKED"\ncase $* in *" --list "*) exit 1 ;; esac\nprintf 'in\\nundone: shop\\n'\n`,
    );
    chmodSync(ssh, 0o755);
    const asked = join(folder, "asked");
    const main = new URL("../../cli/sealift.js", import.meta.url).pathname;
    const { exitCode, stdout, stderr } = await runProcess(
      process.execPath,
      [main, "restore", "prod", "shop", "--undo", "--confirm", "shop"],
      { cwd: folder, env: { PATH: `${join(folder, "bin")}:${process.env["PATH"] ?? ""}`, ASKED: asked } },
    );
    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /^node-a: undoes the last restore of shop\n.*\nundone: shop$/);
    assert.equal(readFileSync(asked, "utf8"), "backup/restore shop --undo --confirm shop\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what the script says about its failure is the problem; without words the exit code is", () => {
  const words = "found: no good backup\nexpected: at least one\nfix: wait for a backup\n";
  assert.deepEqual(scriptProblemWords({ exitCode: 1, stdout: "1 of 6: …\n", stderr: words }), {
    found: "no good backup",
    expected: "at least one",
    fix: "wait for a backup",
  });
  assert.equal(scriptProblemWords({ exitCode: 137, stdout: "", stderr: "" }).found, "exit code 137");
});

test("arguments of the script are words of their own in any shell", () => {
  const command = hostScriptCommand("backup/restore", ["--list", "shop", "--from", "2026-11-28 02:40"]);
  assert.match(command, /^sh -c '.*' sh '.*' script backup\/restore --list shop --from '2026-11-28 02:40'$/);
});

test("a rehearsal has its data in the scratch folder of the store", () => {
  const app: AppSpec = { ...exampleAppSpec, data: { db: { path: "/data/db", owner: "999:999" } } };
  assert.deepEqual(inScratch(app, "/backup").data, {
    db: { path: `/backup/rehearsal/${app.name}/data/db`, owner: "999:999" },
  });
});

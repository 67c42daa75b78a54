import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { format } from "prettier";
import { cachePath, checkout } from "../lab/cache.ts";
import { runDocument, shapeOf } from "../support/docs/doc-walk.ts";
import { undoAfter } from "../support/process/undo.ts";

let folder: string;
const undo = undoAfter();
before(async () => {
  await mkdir(cachePath("test"), { recursive: true });
  folder = await mkdtemp(cachePath("test", "environments-"));
  undo(() => rm(folder, { recursive: true }));
  for (const name of ["stacks", "offline-bundle", "tools"]) await mkdir(join(folder, name));
  const lock = join("offline-bundle", "bundle.lock.yaml");
  await cp(join(checkout, lock), join(folder, lock));
  await writeFile(join(folder, "stacks", "site.yaml"), shared);
  for (const [index, [name, engine]] of environments.entries())
    await writeFile(join(folder, "stacks", `${name}.site.yaml`), environment(name, engine, index + 1));
  const program = join(folder, "tools", "sealift");
  writeFileSync(
    program,
    `#!/bin/sh\nexec '${process.execPath}' '${join(checkout, "cli", "sealift.js")}' "$@"\n`,
  );
  chmodSync(program, 0o755);
});

/** UPDATE_DOCS=1 inserts the printed output if more than keys, dates and sizes differ. */
test("docs/guide/environments.md shows what its commands print", async () => {
  const file = join(checkout, "docs", "guide", "environments.md");
  const before = readFileSync(file, "utf8");
  const now = await format(runDocument(before, { cwd: folder, path: join(folder, "tools") }), {
    parser: "markdown",
  });
  if (process.env["UPDATE_DOCS"] === "1" && shapeOf(before) !== shapeOf(now)) writeFileSync(file, now);
  assert.equal(shapeOf(readFileSync(file, "utf8")), shapeOf(now));
  assert.doesNotMatch(now, /^ +at |\(exit code 1\)/m);
  assert.match(now, /no difference: staging runs the same versions as dev/);
});

const environments = [
  ["dev", "29.7.2"],
  ["staging", "28.5.2"],
  ["prod", "28.5.2"],
] as const;

const shared = `# yaml-language-server: $schema=shared.schema.json
site:
  bundle:
    directory: /media/carry/bundle
    allowedSigners: stacks/allowed_signers
    lock: offline-bundle/bundle.lock.yaml
  networks: [10.20.0.0/16]
classes:
  app:
    sshUser: ops
    volumes:
      logicalVolumes:
        - { name: logs, size: 20GiB, filesystem: ext4, mount: /logs }
        - { name: data, size: 80%FREE, filesystem: xfs, mount: /data }
    daemon:
      data-root: /data/docker
teams:
  payments: { engine: "28.5" }
  platform: { engine: 29.8.1, compose: 5.5.1 }
`;

function environment(name: string, engine: string, number: number): string {
  const host = (own: string, team: string, last: number, letter: string): string => `  - name: ${name}-${own}
    class: app
    team: ${team}
    address: 10.20.${number}.${last}
    hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS${number}A${letter}
    volumes: { disks: [{ id: /dev/disk/by-id/scsi-36000c29f3c1f${number}${last} }] }
`;
  return `# yaml-language-server: $schema=environment.schema.json
shared: site.yaml
teams:
  payments: { engine: ${engine} }
hosts:
${host("a", "payments", 11, "b")}${host("b", "platform", 12, "c")}`;
}

/** Every backend that the guide names, with the real CLI: a folder, a PostgreSQL of Debian's, an S3 server. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { before, test } from "node:test";
import { format } from "prettier";
import { checkout } from "../lab/cache.ts";
import { runDocument, shapeOf } from "../support/docs/doc-walk.ts";
import { undoAfter } from "../support/process/undo.ts";
import { startPostgres, type PostgresProcess } from "../support/servers/postgres-process.ts";
import { makePulumiFolder, type PulumiFolder } from "../support/pulumi/pulumi-folder.ts";
import { startS3, type S3Process } from "../support/servers/s3-process.ts";

let pulumi: PulumiFolder;
let postgres: PostgresProcess;
let s3: S3Process;
let project: string;
const undo = undoAfter();
before(async () => {
  [pulumi, postgres, s3] = await Promise.all([makePulumiFolder(), startPostgres(), startS3()]);
  undo(() => pulumi.remove());
  undo(() => s3.stop());
  undo(() => postgres.stop());
  project = pulumi.project("sealift", program, join(pulumi.directory, "checkout"));
  const write = (name: string, lines: readonly string[]): void => {
    writeFileSync(join(project, name), lines.map((line) => `${line}\n`).join(""));
  };
  const passphrase = `export PULUMI_CONFIG_PASSPHRASE_FILE=${join(pulumi.directory, "passphrase")}`;
  write("folder.env", [`export PULUMI_BACKEND_URL=file://${join(pulumi.directory, "state")}`, passphrase]);
  // Another passphrase for the same folder, as somebody has who has lost the first one.
  writeFileSync(join(pulumi.directory, "new-passphrase"), "another one\n");
  write("new.env", [
    `export PULUMI_BACKEND_URL=file://${join(pulumi.directory, "state")}`,
    `export PULUMI_CONFIG_PASSPHRASE_FILE=${join(pulumi.directory, "new-passphrase")}`,
  ]);
  write("postgres.env", [
    `export PULUMI_BACKEND_URL='postgres://${postgres.user}@127.0.0.1:${postgres.port}/${postgres.database}?sslmode=disable'`,
    `export PGPASSFILE=${postgres.passwordFile}`,
    passphrase,
  ]);
  write("bucket.env", [
    `export PULUMI_BACKEND_URL='s3://${s3.bucket}?endpoint=http://127.0.0.1:${s3.port}&s3ForcePathStyle=true&region=us-east-1'`,
    "export AWS_ACCESS_KEY_ID=key-of-the-test AWS_SECRET_ACCESS_KEY=secret-of-the-test",
    passphrase,
  ]);
  write("held.sh", [
    "HOLD=1 pulumi up --stack prod --yes --skip-preview >held.log 2>&1 &",
    "until [ -e holding ] || ! kill -0 $!; do sleep 0.1; done",
    "pulumi up --stack prod --yes --skip-preview 2>&1 | grep -A1 'error: the stack'",
    "touch done; wait",
  ]);
});

/** UPDATE_DOCS=1 puts in what was printed. */
test("docs/guide/state.md shows what its commands print, against each backend", async () => {
  const file = join(checkout, "docs", "guide", "state.md");
  const old = readFileSync(file, "utf8");
  const path = (pulumi.env["PATH"] ?? "").split(delimiter).slice(0, 2).join(delimiter);
  const env = { ...pulumi.env, PULUMI_BACKEND_URL: "" };
  const run = runDocument(old, { cwd: project, path, env })
    .replaceAll(pulumi.directory, "/srv/ops")
    .replaceAll(postgres.passwordFile, "/srv/ops/pgpass");
  const now = await format(run, { parser: "markdown" });
  if (process.env["UPDATE_DOCS"] === "1" && shapeOf(old) !== shapeOf(now)) writeFileSync(file, now);
  assert.equal(shapeOf(readFileSync(file, "utf8")), shapeOf(now));
  assert.equal(now.match(/\+ 3 created/g)?.length, 4, "an update in each backend, and one after the loss");
  assert.match(now, /error: .*incorrect passphrase/);
  assert.match(now, /the stack is currently locked by 1 lock/);
});

/** A secret plan on its way to nobody: what the state has of it is what the guide says. */
const program = `
import { existsSync, writeFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";

class Phase extends pulumi.ComponentResource {
  constructor(name, plan) {
    super("sealift:users:Users", name);
    this.registerOutputs({ plan });
  }
}
new Phase("node-a-users", pulumi.secret("password deploy made-up-hash"));
new Phase("node-b-users", pulumi.secret("password deploy made-up-hash"));
if (process.env.HOLD === "1") {
  writeFileSync("holding", "");
  while (!existsSync("done")) await new Promise((resolve) => setTimeout(resolve, 100));
}
`;

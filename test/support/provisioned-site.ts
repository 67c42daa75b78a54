/** A host that was provisioned once, with its state, as the start of many tests: seconds in place of minutes. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { constants, copyFile, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { cachePath, checkout } from "../lab/cache.ts";
import { freePort } from "../lab/free-port.ts";
import { guestFolder, readRecord, writeRecord, type GuestRecord } from "../lab/guest-record.ts";
import { removeGuest } from "../lab/guest.ts";
import { withLock } from "../lab/lock.ts";
import { pulumi } from "../lab/pulumi.ts";
import { startSite, type SiteUnderTest } from "./site-under-test.ts";

/** Name of the guest and, within its state, of the host and the stack: each copy puts its own in place of it. */
const template = "template-host";
const stateFile = "stack.json";
const keyFile = "made-from";

/** A guest of this name with the lab's site on it, as `pulumi up` left it, and a stack that knows it. */
export async function startProvisionedSite(name: string): Promise<SiteUnderTest> {
  const waiting = (): void => {
    console.log("waiting for another test that provisions the host");
  };
  const from = await withLock("template-host", waiting, haveTemplate);
  await removeGuest(name);
  await copyTemplate(from, name);
  const site = await startSite(name, { snapshot: template });
  const state = readFileSync(join(guestFolder(template), stateFile), "utf8")
    .replaceAll(template, name)
    .replaceAll(new RegExp(`(127\\.0\\.0\\.1:|port\\\\?": ?)${from.port}\\b`, "g"), `$1${site.guest.port}`);
  const file = join(guestFolder(name), stateFile);
  writeFileSync(file, state, { mode: 0o600 });
  const { exitCode, output } = await site.pulumi("stack", "import", "--file", file);
  assert.equal(exitCode, 0, output);
  return site;
}

async function haveTemplate(): Promise<GuestRecord> {
  const key = inputs();
  const known = readRecord(template);
  if (known !== undefined && keyOf(template) === key) return known;
  const site = await startSite(template);
  const { exitCode, output } = await site.pulumi("up", "--yes", "--skip-preview");
  assert.equal(exitCode, 0, output);
  const exported = await pulumi(["stack", "export", "--show-secrets", "--stack", `lab-${template}`], {
    env: site.env,
  });
  await site.guest.save(template);
  await site.end("keep the guest");
  writeFileSync(join(guestFolder(template), stateFile), exported.output, { mode: 0o600 });
  writeFileSync(join(guestFolder(template), keyFile), key);
  const record = readRecord(template);
  assert.ok(record);
  return record;
}

async function copyTemplate(from: GuestRecord, name: string): Promise<void> {
  await mkdir(guestFolder(name), { recursive: true });
  for (const file of await readdir(guestFolder(template))) {
    if (!/\.(qcow2|img)$/.test(file)) continue;
    await copyFile(
      join(guestFolder(template), file),
      join(guestFolder(name), file),
      constants.COPYFILE_FICLONE,
    );
  }
  writeRecord({ ...from, name, pid: 0, port: await freePort() });
}

function keyOf(name: string): string | undefined {
  try {
    return readFileSync(join(guestFolder(name), keyFile), "utf8");
  } catch {
    return undefined;
  }
}

/** All that decides what a provisioned host is: the program, the lab's site, its bundle and its image. */
function inputs(): string {
  const hash = createHash("sha256");
  for (const folder of ["modules", "offline-bundle", join("test", "lab")]) {
    const names = readdirSync(join(checkout, folder), { recursive: true, encoding: "utf8" });
    for (const file of names.filter((one) => /\.(ts|sh|json)$/.test(one)).toSorted())
      hash.update(file).update(readFileSync(join(checkout, folder, file)));
  }
  return hash
    .update(readFileSync(join(checkout, "index.ts")))
    .update(readdirSync(cachePath("lab", "golden")).toSorted().join())
    .update(readFileSync(cachePath("bundle", "engine.json")))
    .digest("hex");
}

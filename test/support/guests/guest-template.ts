/** A guest that was brought into some state once, as the start of many tests: seconds in place of minutes. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cachePath, checkout } from "../../lab/cache.ts";
import { guestFolder, readRecord, type GuestRecord } from "../../lab/guest-record.ts";
import { copyState, removeGuest } from "../../lab/guest.ts";
import { withLock } from "../../lab/lock.ts";

const keyFile = "made-from";

/**
 * A copy of the template as a guest of this name, to be restarted from the state that bears the template's name.
 * @param make starts a guest of the template's name, brings it into its state, saves that under the same name and stops it.
 * @returns the template.
 */
export async function copyOfTemplate(
  template: string,
  make: () => Promise<void>,
  name: string,
): Promise<GuestRecord> {
  const waiting = (): void => {
    console.log(`waiting for another test that makes ${template}`);
  };
  const from = await withLock(template, waiting, () => haveTemplate(template, make));
  await removeGuest(name);
  await copyState(from, template, name);
  return from;
}

async function haveTemplate(template: string, make: () => Promise<void>): Promise<GuestRecord> {
  const key = inputs();
  const known = readRecord(template);
  if (known?.states.includes(template) === true && keyOf(template) === key) return known;
  await removeGuest(template);
  await make();
  writeFileSync(join(guestFolder(template), keyFile), key);
  const record = readRecord(template);
  if (record === undefined) throw new Error(`${template} was not kept`);
  return record;
}

function keyOf(template: string): string | undefined {
  try {
    return readFileSync(join(guestFolder(template), keyFile), "utf8");
  } catch {
    return undefined;
  }
}

/** All that decides what such a guest is: the program, the lab's site, its bundle and its image. */
function inputs(): string {
  const hash = createHash("sha256");
  for (const folder of ["modules", "offline-bundle", join("test", "lab"), join("test", "support")]) {
    const names = readdirSync(join(checkout, folder), { recursive: true, encoding: "utf8" });
    for (const file of names.filter((one) => /\.(ts|sh|json)$/.test(one)).toSorted())
      hash.update(file).update(readFileSync(join(checkout, folder, file)));
  }
  return hash
    .update(readFileSync(join(checkout, "index.ts")))
    .update(readdirSync(cachePath("lab", "images")).toSorted().join())
    .update(readFileSync(cachePath("bundle", "content.json")))
    .digest("hex");
}

/** A bundle directory appears whole or not at all. */
import { lstat, mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SealiftError } from "../../modules/core/errors.ts";
import { inside } from "./layout.ts";

/**
 * Creates a folder; fails when anything of that name exists, such as a link to a folder.
 *
 * @throws the error of the file system.
 */
export async function ownFolder(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await mkdir(path);
}

/** Moves a finished bundle to its place; a previous bundle there is removed. */
export async function replaceBundle(directory: string, part: string): Promise<void> {
  const old = `${directory}.old`;
  await rm(old, { recursive: true, force: true });
  await rename(directory, old).catch(() => undefined);
  await rename(part, directory);
  await rm(old, { recursive: true, force: true });
}

/** Only an earlier bundle may be replaced. @throws {SealiftError} E_VALUE */
export async function refuseForeign(directory: string): Promise<void> {
  const existing = await stat(directory).catch(() => undefined);
  if (existing === undefined) return;
  const bundle = await lstat(join(directory, inside.manifest)).catch(() => undefined);
  if (bundle?.isFile() === true) return;
  throw new SealiftError([
    {
      where: directory,
      code: "E_VALUE",
      subject: "output directory",
      found: "something other than a bundle",
      expected: "no directory, or a bundle to replace",
      fix: "choose another directory",
    },
  ]);
}

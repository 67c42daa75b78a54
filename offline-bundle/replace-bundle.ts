/** A bundle directory appears whole or not at all. */
import { lstat, mkdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SealiftError } from "../modules/core/errors.ts";
import { inside } from "./layout.ts";

/** A folder that this call has made: not one that somebody has laid there, nor a link to one. @throws the error of the file system. */
export async function ownFolder(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await mkdir(path);
}

/** Puts a finished bundle where it belongs; the one that was there before goes. */
export async function replaceBundle(directory: string, part: string): Promise<void> {
  const old = `${directory}.old`;
  await rm(old, { recursive: true, force: true });
  await rename(directory, old).catch(() => undefined);
  await rename(part, directory);
  await rm(old, { recursive: true, force: true });
}

/** Only an earlier bundle may be replaced. @throws {SealiftError} E_VALUE */
export async function refuseForeign(directory: string): Promise<void> {
  const there = await stat(directory).catch(() => undefined);
  if (there === undefined) return;
  const bundle = await lstat(join(directory, inside.seal)).catch(() => undefined);
  if (bundle?.isFile() === true) return;
  throw new SealiftError([
    {
      where: directory,
      code: "E_VALUE",
      subject: "output directory",
      got: "something that is no bundle",
      expected: "nothing, or a bundle to replace",
      todo: "name another directory",
    },
  ]);
}

/**
 * Puts a text, a file or a directory on the host. Where it lands follows the official plugin:
 *
 * | source | target is a directory | target is absent | target is a file |
 * |---|---|---|---|
 * | file | target/file | target | target, overwritten |
 * | dir | target/dir | target/dir | refused |
 * | dir/ | target | target | refused |
 */
import { readdir, stat } from "node:fs/promises";
import { basename, join, posix } from "node:path";
import type { Sftp } from "./sftp.ts";

/** @throws {Error} when the target is a directory: a text has no name of its own */
export async function writeText(sftp: Sftp, text: string, target: string): Promise<void> {
  if ((await sftp.kind(target)) === "directory")
    throw new Error(
      `remote path ${target} is a directory; when using a text asset, remotePath must be a file path`,
    );
  await makeParents(sftp, target);
  await during(`failed to write text content to remote path ${target}`, sftp.write(target, text));
}

/** @throws {Error} when the source cannot be read or the target cannot be written */
export async function copyPath(sftp: Sftp, source: string, target: string): Promise<void> {
  const local = await stat(source).catch((error: unknown) => {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    throw missing ? new Error(`open ${source}: no such file or directory`, { cause: error }) : error;
  });
  const kind = await sftp.kind(target);
  if (local.isDirectory()) {
    if (kind === undefined) await makePath(sftp, target);
    await copyDirectory(sftp, source, source.endsWith("/") ? target : posix.join(target, basename(source)));
  } else if (kind === "directory") await copyFile(sftp, source, posix.join(target, basename(source)));
  else {
    if (kind === undefined) await makeParents(sftp, target);
    await copyFile(sftp, source, target);
  }
}

async function copyDirectory(sftp: Sftp, source: string, target: string): Promise<void> {
  const kind = await sftp.kind(target);
  if (kind === "other") throw new Error(`remote path ${target} exists but is not a directory`);
  if (kind === undefined)
    await during(`failed to create remote directory ${target}`, sftp.makeDirectory(target));
  const entries = await readdir(source, { withFileTypes: true });
  for (const entry of entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
    const [from, to] = [join(source, entry.name), posix.join(target, entry.name)];
    await (entry.isDirectory() ? copyDirectory(sftp, from, to) : copyFile(sftp, from, to));
  }
}

async function copyFile(sftp: Sftp, source: string, target: string): Promise<void> {
  await during(`failed to copy file ${source} to remote path ${target}`, sftp.upload(source, target));
}

async function makeParents(sftp: Sftp, target: string): Promise<void> {
  const made = makePath(sftp, posix.dirname(target));
  await during(`failed to create parent directories for ${target}`, made);
}

async function makePath(sftp: Sftp, path: string): Promise<void> {
  const kind = await sftp.kind(path);
  if (kind === "directory") return;
  if (kind === "other") throw new Error(`${path} is not a directory`);
  await makePath(sftp, posix.dirname(path));
  try {
    await sftp.makeDirectory(path);
  } catch (error) {
    // Another copy of the same run may have made it in between.
    if ((await sftp.kind(path)) !== "directory") throw error;
  }
}

async function during(what: string, step: Promise<void>): Promise<void> {
  await step.catch((error: unknown) => {
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  });
}

/**
 * Pulumi's command plugin opens the files that it sends by path, after Sealift has verified the bundle. By then, a malicious
 * medium (a file server, a USB drive with its own processor, anybody else with write access) could present a link instead of a
 * blob, and the operator's own files would be sent to a host. So the plugin gets a path to which only the operator can write; a
 * copy is made there when a blob is about to be sent, hashed while it is written, and removed afterwards.
 */
import { createHash, randomUUID } from "node:crypto";
import { constants, rmSync } from "node:fs";
import { chmod, type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Blob } from "../host/blob.ts";
import { type ErrorCode, SealiftError } from "../errors.ts";

/** The copies of one run. */
export class SentCopies {
  readonly #folder: string;
  readonly #made = new Map<string, Promise<void>>();
  /** One after the other: parallel reads would slow down a drive that has to seek. */
  #turn: Promise<void> = Promise.resolve();

  /**
   * @param stack no two runs of one stack change hosts at the same time; those of two stacks may.
   * @param folder of the copies of all stacks. Default `.cache/sent` of the repository that Pulumi runs in.
   */
  constructor(stack: string, folder = join(process.cwd(), ".cache", "sent")) {
    this.#folder = join(folder, createHash("sha256").update(stack).digest("hex").slice(0, 16));
  }

  /**
   * Path of the copy of a blob once it is made: relative to the repository, because the state must be valid on another machine as
   * well.
   */
  path({ sha256 }: Pick<Blob, "sha256">): string {
    return relative(process.cwd(), this.#at(sha256));
  }

  /**
   * Makes the copy, once per run.
   *
   * @throws {SealiftError} E_BUNDLE_DIGEST when the blob has changed since the bundle was verified; E_NO_SPACE when the disk is
   * full.
   */
  async make(blob: Blob): Promise<void> {
    const made = this.#made.get(blob.sha256) ?? this.#turn.then(() => this.#copy(blob));
    this.#made.set(blob.sha256, made);
    this.#turn = made.catch(() => undefined);
    try {
      await made;
    } catch (error) {
      this.#made.delete(blob.sha256);
      throw error;
    }
  }

  /** Removes a copy that is no longer needed. */
  async remove({ sha256 }: Pick<Blob, "sha256">): Promise<void> {
    this.#made.delete(sha256);
    await rm(this.#at(sha256), { force: true });
  }

  /** Removes all copies, those of an interrupted run included. For the end of the program: synchronous. */
  removeAll(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #at(sha256: string): string {
    return join(this.#folder, sha256);
  }

  async #copy(blob: Blob): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await chmod(this.#folder, 0o700);
    const part = `${this.#at(blob.sha256)}.${randomUUID()}`;
    try {
      const found = await copied(blob, part);
      if (found !== blob.sha256) throw changed(blob, `sha256 ${found}`);
      await rename(part, this.#at(blob.sha256));
    } catch (error) {
      await rm(part, { force: true });
      if (error instanceof SealiftError) throw error;
      const full = error instanceof Error && "code" in error && error.code === "ENOSPC";
      throw full ? noSpace(blob, this.#folder) : changed(blob, String(error));
    }
  }
}

/** Copies a regular file, up to the pinned length. @returns the sha256 of what was written. */
async function copied(blob: Blob, to: string): Promise<string> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const from = await open(blob.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: unknown) => {
    throw changed(blob, error instanceof Error ? error.message : String(error));
  });
  try {
    if (!(await from.stat()).isFile()) throw changed(blob, "not a regular file");
    const target = await open(to, "wx", 0o600);
    try {
      return await pour(blob, from, target);
    } finally {
      await target.close();
    }
  } finally {
    await from.close();
  }
}

async function pour(blob: Blob, from: FileHandle, to: FileHandle): Promise<string> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(chunkBytes, blob.bytes)));
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await from.read(buffer).catch((error: unknown) => {
      throw changed(blob, error instanceof Error ? error.message : String(error));
    });
    if (bytesRead === 0) return hash.digest("hex");
    bytes += bytesRead;
    if (bytes > blob.bytes) throw changed(blob, `more than ${blob.bytes} bytes`);
    const piece = buffer.subarray(0, bytesRead);
    const writing = to.writeFile(piece);
    hash.update(piece);
    await writing;
  }
}

const chunkBytes = 1024 * 1024;

function changed(blob: Blob, found: string): SealiftError {
  const expected = `${blob.bytes} bytes, sha256 ${blob.sha256}, as verified`;
  const fix = "copy the bundle to a local disk, verify it, and run the command again";
  return refusal("E_BUNDLE_DIGEST", blob.path, blob, found, expected, fix);
}

function noSpace(blob: Blob, where: string): SealiftError {
  const expected = `${blob.bytes} bytes for a copy of the file to send`;
  return refusal(
    "E_NO_SPACE",
    where,
    blob,
    "no free space",
    expected,
    "free up space on this disk, then run the command again",
  );
}

function refusal(
  code: ErrorCode,
  where: string,
  { sha256 }: Blob,
  found: string,
  expected: string,
  fix: string,
): SealiftError {
  return new SealiftError([{ where, code, subject: sha256, found, expected, fix }]);
}

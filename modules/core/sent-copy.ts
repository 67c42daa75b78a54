/**
 * What Pulumi's command plugin sends, it opens by its path, after Sealift has verified the bundle and without looking what lies there. A
 * medium that answers differently by then (a file server, a USB drive with a processor of its own, whoever else can write to it) could have
 * a link in place of a blob, and the operator's own files would travel to a host. So the path that the plugin is given is one that only the
 * operator can write to; a copy is made there when something is about to be sent, hashed while it is written, and removed afterwards.
 */
import { createHash, randomUUID } from "node:crypto";
import { constants, rmSync } from "node:fs";
import { chmod, type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Blob } from "./blob.ts";
import { type ErrorCode, SealiftError } from "./errors.ts";

const checkout = fileURLToPath(new URL("../..", import.meta.url));

/** The copies of one run. */
export class SentCopies {
  readonly #folder: string;
  readonly #made = new Map<string, Promise<void>>();
  /** One after the other: a drive that has to seek is slow. */
  #turn: Promise<void> = Promise.resolve();

  /**
   * @param stack no two runs of one stack change hosts at the same time; those of two stacks do.
   * @param folder where the copies of all stacks are. Default `.cache/sent` of the checkout.
   */
  constructor(stack: string, folder = join(checkout, ".cache", "sent")) {
    this.#folder = join(folder, createHash("sha256").update(stack).digest("hex").slice(0, 16));
  }

  /** Where the copy of a blob is once it was made: relative to the checkout, because the state has to mean the same on another machine. */
  path({ sha256 }: Pick<Blob, "sha256">): string {
    return relative(checkout, this.#at(sha256));
  }

  /**
   * Makes the copy, once a run.
   *
   * @throws {SealiftError} E_BUNDLE_DIGEST when the blob is not what it was when the bundle was verified; E_SPACE when the disk is full.
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

  /** Removes one that nobody needs any more. */
  async remove({ sha256 }: Pick<Blob, "sha256">): Promise<void> {
    this.#made.delete(sha256);
    await rm(this.#at(sha256), { force: true });
  }

  /** Removes all of them, those too that a run has left which was ended. For the end of the program: it does not return before. */
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

/** Copies a regular file, and no more of it than is pinned. @returns the sha256 of what was written. */
async function copied(blob: Blob, to: string): Promise<string> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const from = await open(blob.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch((error: unknown) => {
    throw changed(blob, error instanceof Error ? error.message : String(error));
  });
  try {
    if (!(await from.stat()).isFile()) throw changed(blob, "no regular file");
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
  const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(pieceBytes, blob.bytes)));
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

const pieceBytes = 1024 * 1024;

function changed(blob: Blob, got: string): SealiftError {
  const expected = `${blob.bytes} bytes, sha256 ${blob.sha256}, as they were verified`;
  const todo = "copy the bundle to a disk of your own, verify it, and run it again";
  return refusal("E_BUNDLE_DIGEST", blob.path, blob, got, expected, todo);
}

function noSpace(blob: Blob, where: string): SealiftError {
  const expected = `${blob.bytes} bytes for a copy of what is sent`;
  return refusal(
    "E_SPACE",
    where,
    blob,
    "no free space",
    expected,
    "make room on this disk, then run it again",
  );
}

function refusal(
  code: ErrorCode,
  where: string,
  { sha256 }: Blob,
  got: string,
  expected: string,
  todo: string,
): SealiftError {
  return new SealiftError([{ where, code, subject: sha256, got, expected, todo }]);
}

/** The small files of an archive: held in memory, checked, and written below a folder. */
import { mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Problem, SealiftError } from "../../modules/core/errors.ts";
import { type Digest, digestOfBytes } from "../io/digest.ts";
import { TarError, type TarEntry } from "./tar-entries.ts";

export class MetadataFiles {
  readonly #file: string;
  readonly #into: string;

  /** @param file the archive, for messages. @param into the folder. */
  constructor(file: string, into: string) {
    this.#file = file;
    this.#into = into;
  }

  /** Reads, checks and writes a file whose length and digest are known. @throws {SealiftError} E_BUNDLE_DIGEST */
  async pinned(
    entry: TarEntry | undefined,
    name: string,
    expected: Digest,
    maxBytes: number,
  ): Promise<Buffer> {
    if (entry?.name === name && entry.bytes !== expected.bytes)
      throw new TarError(name, `${entry.bytes} bytes`, `${expected.bytes} bytes, as signed`);
    const text = await readWhole(entry, name, maxBytes);
    const digest = digestOfBytes(text);
    if (digest.sha256 !== expected.sha256)
      throw new SealiftError([metadataDiffers(this.#file, name, digest, expected)]);
    await this.#write(name, text);
    return text;
  }

  /** Reads and writes a file that the caller checks. */
  async small(entry: TarEntry | undefined, name: string, maxBytes: number): Promise<Buffer> {
    const text = await readWhole(entry, name, maxBytes);
    await this.#write(name, text);
    return text;
  }

  async #write(name: string, text: Buffer): Promise<void> {
    const path = join(this.#into, name);
    await mkdir(dirname(path), { recursive: true });
    const target = await open(path, "wx", 0o644).catch((error: unknown) => {
      const twice = error instanceof Error && "code" in error && error.code === "EEXIST";
      throw twice ? new TarError(name, "the name appears twice", "each name once") : error;
    });
    try {
      await target.writeFile(text);
      await target.datasync();
    } finally {
      await target.close();
    }
  }
}

/** The content of the next entry. @throws {TarError} when it has another name or is too long. */
export async function readWhole(
  entry: TarEntry | undefined,
  name: string,
  maxBytes: number,
): Promise<Buffer> {
  if (entry?.name !== name) throw new TarError(entry?.name ?? "archive", "this entry", `${name} here`);
  if (entry.bytes > maxBytes) throw new TarError(name, `${entry.bytes} bytes`, `at most ${maxBytes} bytes`);
  const all = Buffer.alloc(entry.bytes);
  let at = 0;
  for await (const piece of entry.content()) at += piece.copy(all, at);
  return all;
}

export function metadataDiffers(where: string, name: string, found: Digest, expected: Digest): Problem {
  return {
    where,
    code: "E_BUNDLE_DIGEST",
    subject: name,
    found: `${found.bytes} bytes, sha256 ${found.sha256}`,
    expected: `${expected.bytes} bytes, sha256 ${expected.sha256}`,
    fix: "copy the archive again",
  };
}

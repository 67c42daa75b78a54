/** The small files of a carried bundle: held in memory, checked, and written below a folder. */
import { mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Problem, SealiftError } from "../modules/core/errors.ts";
import { type Digest, digestOfBytes } from "./digest.ts";
import { TarError, type TarEntry } from "./tar-entries.ts";

export class KeptFiles {
  readonly #file: string;
  readonly #into: string;

  /** @param file the carried bundle, for messages. @param into the folder. */
  constructor(file: string, into: string) {
    this.#file = file;
    this.#into = into;
  }

  /** Reads, checks and writes a file whose length and digest are known. @throws {SealiftError} E_BUNDLE_DIGEST */
  async pinned(
    entry: TarEntry | undefined,
    name: string,
    wanted: Digest,
    mostBytes: number,
  ): Promise<Buffer> {
    if (entry?.name === name && entry.bytes !== wanted.bytes)
      throw new TarError(name, `${entry.bytes} bytes`, `${wanted.bytes} bytes, as signed`);
    const text = await whole(entry, name, mostBytes);
    const digest = digestOfBytes(text);
    if (digest.sha256 !== wanted.sha256) throw new SealiftError([differs(this.#file, name, digest, wanted)]);
    await this.#write(name, text);
    return text;
  }

  /** Reads and writes a file that is checked by whoever asked for it. */
  async small(entry: TarEntry | undefined, name: string, mostBytes: number): Promise<Buffer> {
    const text = await whole(entry, name, mostBytes);
    await this.#write(name, text);
    return text;
  }

  async #write(name: string, text: Buffer): Promise<void> {
    const path = join(this.#into, name);
    await mkdir(dirname(path), { recursive: true });
    const target = await open(path, "wx", 0o644).catch((error: unknown) => {
      const twice = error instanceof Error && "code" in error && error.code === "EEXIST";
      throw twice ? new TarError(name, "this name for the second time", "each name once") : error;
    });
    try {
      await target.writeFile(text);
      await target.datasync();
    } finally {
      await target.close();
    }
  }
}

/** The content of the entry that has to come now. @throws {TarError} when it is another one, or too long. */
export async function whole(entry: TarEntry | undefined, name: string, mostBytes: number): Promise<Buffer> {
  if (entry?.name !== name) throw new TarError(entry?.name ?? "archive", "this here", `${name} here`);
  if (entry.bytes > mostBytes) throw new TarError(name, `${entry.bytes} bytes`, `at most ${mostBytes} bytes`);
  const all = Buffer.alloc(entry.bytes);
  let at = 0;
  for await (const piece of entry.content()) at += piece.copy(all, at);
  return all;
}

export function differs(where: string, name: string, got: Digest, wanted: Digest): Problem {
  return {
    where,
    code: "E_BUNDLE_DIGEST",
    subject: name,
    got: `${got.bytes} bytes, sha256 ${got.sha256}`,
    expected: `${wanted.bytes} bytes, sha256 ${wanted.sha256}`,
    todo: "copy the bundle again",
  };
}

/**
 * Reads a tar as Sealift writes it, and no other: regular files with plain names, one after another. Everything else that the
 * format allows (links, devices, extended headers that change later entries) is refused at once.
 */

/**
 * A file in the archive. Its bytes have to be read to the end before the next entry is requested; a chunk is valid only until the
 * next chunk is requested.
 */
export interface TarEntry {
  readonly name: string;
  readonly bytes: number;
  readonly content: () => AsyncGenerator<Buffer>;
}

/** What is wrong with the archive; the caller knows which file it is. */
export class TarError extends Error {
  readonly subject: string;
  readonly expected: string;

  constructor(subject: string, found: string, expected: string) {
    super(found);
    this.subject = subject;
    this.expected = expected;
  }
}

/** @throws {TarError} at the first invalid byte. */
export async function* tarEntries(stream: AsyncIterable<Buffer>): AsyncGenerator<TarEntry> {
  const source = new Source(stream);
  try {
    yield* entriesOf(source);
  } finally {
    await source.end();
  }
}

async function* entriesOf(source: Source): AsyncGenerator<TarEntry> {
  for (;;) {
    const block = await source.exactly(blockBytes);
    if (block.every((byte) => byte === 0)) break;
    const { name, bytes } = header(block);
    let rest = bytes;
    const content = async function* (): AsyncGenerator<Buffer> {
      while (rest > 0) {
        const piece = await source.atMost(rest);
        rest -= piece.length;
        yield piece;
      }
    };
    yield { name, bytes, content };
    if (rest > 0) throw new Error(`${name} was not read to its end`);
    await source.exactly((blockBytes - (bytes % blockBytes)) % blockBytes);
  }
  await source.zeros();
}

const blockBytes = 512;
/** Two empty blocks end an archive; tar(1) pads to this many bytes. */
const maxPaddingBytes = 20 * blockBytes;

class Source {
  readonly #pieces: AsyncIterator<Buffer>;
  #waiting: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.#pieces = stream[Symbol.asyncIterator]();
  }

  async atMost(bytes: number): Promise<Buffer> {
    while (this.#waiting.length === 0) {
      if (!(await this.#more()))
        throw new TarError("archive", "unexpected end of the archive", "the complete archive");
    }
    const piece = this.#waiting.subarray(0, bytes);
    this.#waiting = this.#waiting.subarray(piece.length);
    return piece;
  }

  async exactly(bytes: number): Promise<Buffer> {
    const all = Buffer.alloc(bytes);
    for (let at = 0; at < bytes;) at += (await this.atMost(bytes - at)).copy(all, at);
    return all;
  }

  /** After the first empty block only further empty blocks may come. */
  async zeros(): Promise<void> {
    let bytes = blockBytes;
    while (this.#waiting.length > 0 || (await this.#more())) {
      bytes += this.#waiting.length;
      if (bytes > maxPaddingBytes || this.#waiting.some((byte) => byte !== 0)) {
        throw new TarError("archive", "data after the end of the archive", "no data after the last file");
      }
      this.#waiting = Buffer.alloc(0);
    }
  }

  /** The owner of the input closes it. */
  async end(): Promise<void> {
    await this.#pieces.return?.();
  }

  async #more(): Promise<boolean> {
    const step: IteratorResult<Buffer, unknown> = await this.#pieces.next();
    if (step.done === true) return false;
    this.#waiting = step.value;
    return true;
  }
}

/** ustar: POSIX.1-2017, pax, section "ustar Interchange Format". */
function header(block: Buffer): { readonly name: string; readonly bytes: number } {
  const name = block.toString("utf8", 0, 100).replace(/\0.*$/s, "");
  const sum = block.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  if (sum !== octal(block, 148, 8))
    throw new TarError("archive", "a header whose checksum does not match", "an unchanged header");
  const type = block.toString("latin1", 156, 157);
  if (type !== "0" || block[345] !== 0) {
    throw new TarError(name, kinds[type] ?? `an entry of type ${JSON.stringify(type)}`, "regular files only");
  }
  return { name, bytes: size(block) };
}

const kinds: Readonly<Record<string, string>> = {
  "0": "a name with a prefix",
  "1": "a hard link",
  "2": "a symbolic link",
  "3": "a character device",
  "4": "a block device",
  "5": "a folder",
  "6": "a named pipe",
  x: "an extended header",
  g: "a global extended header",
  L: "a long name",
};

/** Octal up to 8 GiB, above that binary with the first bit set, as GNU tar and tar-stream write it. */
function size(block: Buffer): number {
  const bytes = block[124] === 0x80 ? Number(block.readBigUInt64BE(128)) : octal(block, 124, 12);
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new TarError("archive", "a file with an invalid length", "lengths below 8 PiB");
}

function octal(block: Buffer, from: number, length: number): number {
  const [, digits] = /^([0-7]+)[\0 ]*$/.exec(block.toString("latin1", from, from + length)) ?? [];
  return digits === undefined ? NaN : parseInt(digits, 8);
}

/** Reads an untrusted tar: nothing is written, memory is bounded, and content that is dangerous to unpack is refused. */
import { createHash } from "node:crypto";
import { type Duplex, PassThrough, type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import { SealiftError } from "../../modules/core/errors.ts";
import type { Digest } from "../io/digest.ts";
import { TarPaths, Unsafe } from "./tar-paths.ts";

/** A regular file of an archive. */
export interface Member extends Digest {
  /** Path inside the archive: `docker/dockerd`. */
  readonly path: string;
}

export interface TarRules {
  /** Whether symbolic and hard links that stay inside are accepted. */
  readonly links: boolean;
  /** Whether a later file of the same path replaces an earlier one; then `members` lists both. Default no. */
  readonly repeats?: boolean;
  /** Upper limit in bytes of the unpacked content. */
  readonly most: number;
  /** Selects by its path the member whose content is needed, the last if there are several, at most {@link keptBytes} of it. */
  readonly keep?: (path: string) => boolean;
}

export interface TarContent {
  /** Sorted by path. */
  readonly members: readonly Member[];
  readonly kept: Buffer | undefined;
}

/**
 * @param archive its name, for messages.
 * @param unpack the decompressor; absent: not compressed.
 * @throws {SealiftError} E_ARCHIVE
 */
export async function readTar(
  archive: string,
  packed: Readable,
  unpack: Duplex | undefined,
  rules: TarRules,
): Promise<TarContent> {
  const entries = extract();
  const counts = counters(rules.most);
  try {
    const reading = pipeline(packed, counts.packed, unpack ?? new PassThrough(), counts.plain, entries);
    // Awaited below; the loop ends when a stream fails.
    reading.catch(() => undefined);
    const paths = new TarPaths(rules.links, rules.repeats === true);
    const members: Member[] = [];
    let kept: Buffer | undefined;
    for await (const entry of entries) {
      counts.count();
      const path = paths.add(entry.header);
      const keeps = rules.keep?.(path) === true;
      const { digest, start } = await readEntry(entry, keeps ? keptBytes : 0, counts.count);
      if (keeps) kept = start;
      if (paths.isFile(path)) members.push({ path, ...digest });
    }
    await reading;
    return { members: members.sort((a, b) => (a.path < b.path ? -1 : 1)), kept };
  } catch (error) {
    if (error instanceof Unsafe) throw archiveProblem(archive, error.message, error.expected);
    if (error instanceof SealiftError) throw error;
    const found = error instanceof Error ? error.message : String(error);
    throw archiveProblem(archive, found, "a complete tar archive");
  }
}

const keptBytes = 1024 * 1024;
/** Programs compress to a third, text to a tenth. A higher ratio is a decompression bomb. */
const maxRatio = 200;
/** Too small to be harmful at any ratio. */
const smallBytes = 16 * 1024 * 1024;
/** Bytes between two members: padding and long names, which are kept in memory. */
const maxBetween = 8 * 1024 * 1024;

async function readEntry(
  entry: AsyncIterable<unknown>,
  expected: number,
  count: () => void,
): Promise<{ readonly digest: Digest; readonly start: Buffer }> {
  const hash = createHash("sha256");
  const start: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of entry) {
    const data = chunk as Buffer;
    count();
    if (bytes < expected) start.push(data.subarray(0, expected - bytes));
    bytes += data.length;
    hash.update(data);
  }
  return { digest: { bytes, sha256: hash.digest("hex") }, start: Buffer.concat(start) };
}

/** Two places in the stream that count bytes, and stop it. */
function counters(most: number): { packed: Transform; plain: Transform; count: () => void } {
  let packedBytes = 0;
  let plainBytes = 0;
  let between = 0;
  const check = (): Error | null => {
    const expected = `at most ${most} bytes, and at most ${maxRatio} times the compressed size`;
    if (plainBytes > most || plainBytes > Math.max(smallBytes, packedBytes * maxRatio))
      return new Unsafe(`more than ${plainBytes} bytes out of ${packedBytes} compressed bytes`, expected);
    if (between > maxBetween)
      return new Unsafe(`${between} bytes outside of any member`, `at most ${maxBetween}`);
    return null;
  };
  const counting = (count: (length: number) => void): Transform =>
    new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        count(chunk.length);
        const problem = check();
        if (problem === null) done(null, chunk);
        else done(problem);
      },
    });
  return {
    packed: counting((length) => (packedBytes += length)),
    plain: counting((length) => {
      plainBytes += length;
      between += length;
    }),
    count: () => {
      between = 0;
    },
  };
}

/** E_ARCHIVE: the problem of an archive or package that was to be pinned. */
export function archiveProblem(archive: string, found: string, expected: string): SealiftError {
  return new SealiftError([
    {
      where: archive,
      code: "E_ARCHIVE",
      subject: "archive",
      found,
      expected,
      fix: "check the url in bundle.yaml; do not use this file",
    },
  ]);
}

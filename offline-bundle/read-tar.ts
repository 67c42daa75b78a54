/** Reads a tar that nobody vouches for: nothing is written, memory is bounded, and what could hurt when unpacked is refused. */
import { createHash } from "node:crypto";
import { type Duplex, PassThrough, type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import { SealiftError } from "../modules/core/errors.ts";
import { archiveProblem } from "./archive-problem.ts";
import type { Digest } from "./digest.ts";
import { TarPaths, Unsafe } from "./tar-paths.ts";

/** A regular file of an archive. */
export interface Member extends Digest {
  /** Path inside the archive: `docker/dockerd`. */
  readonly path: string;
}

export interface TarRules {
  /** Whether symbolic and hard links that stay inside are accepted. */
  readonly links: boolean;
  /** Most bytes that may come out of it. */
  readonly most: number;
  /** Path of one member whose content is wanted, at most {@link keptBytes} of it. */
  readonly keep?: string;
}

export interface TarContent {
  /** Sorted by path. */
  readonly members: readonly Member[];
  readonly kept: Buffer | undefined;
}

/**
 * @param archive its name, for messages.
 * @param unpack what undoes the compression; absent: there is none.
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
    // Awaited below; the loop ends by itself when a stream fails.
    reading.catch(() => undefined);
    const paths = new TarPaths(rules.links);
    const members: Member[] = [];
    let kept: Buffer | undefined;
    for await (const entry of entries) {
      counts.seen();
      const path = paths.add(entry.header);
      const { digest, start } = await readEntry(entry, path === rules.keep ? keptBytes : 0, counts.seen);
      if (path === rules.keep) kept = start;
      if (paths.isFile(path)) members.push({ path, ...digest });
    }
    await reading;
    return { members: members.sort((a, b) => (a.path < b.path ? -1 : 1)), kept };
  } catch (error) {
    if (error instanceof Unsafe) throw archiveProblem(archive, error.message, error.expected);
    if (error instanceof SealiftError) throw error;
    const got = error instanceof Error ? error.message : String(error);
    throw archiveProblem(archive, got, "a tar archive that is whole");
  }
}

const keptBytes = 1024 * 1024;
/** Programs pack to a third, text to a tenth. What grows more than this was made to. */
const mostRatio = 200;
/** Too little to hurt, whatever it is packed into. */
const smallBytes = 16 * 1024 * 1024;
/** Bytes between two members: padding and long names. More would be kept in memory. */
const mostBetween = 8 * 1024 * 1024;

async function readEntry(
  entry: AsyncIterable<unknown>,
  wanted: number,
  seen: () => void,
): Promise<{ readonly digest: Digest; readonly start: Buffer }> {
  const hash = createHash("sha256");
  const start: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of entry) {
    const data = chunk as Buffer;
    seen();
    if (bytes < wanted) start.push(data.subarray(0, wanted - bytes));
    bytes += data.length;
    hash.update(data);
  }
  return { digest: { bytes, sha256: hash.digest("hex") }, start: Buffer.concat(start) };
}

/** Two places in the stream that count what goes by, and stop it. */
function counters(most: number): { packed: Transform; plain: Transform; seen: () => void } {
  let packedBytes = 0;
  let plainBytes = 0;
  let between = 0;
  const check = (): Error | null => {
    const expected = `at most ${most} bytes, and at most ${mostRatio} times what is packed`;
    if (plainBytes > most || plainBytes > Math.max(smallBytes, packedBytes * mostRatio))
      return new Unsafe(`${plainBytes} bytes out of ${packedBytes}, and more`, expected);
    if (between > mostBetween)
      return new Unsafe(`${between} bytes that belong to no member`, `at most ${mostBetween}`);
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
    seen: () => {
      between = 0;
    },
  };
}

/** The most memory that any process of each verb takes, for a bundle and for one with blobs ten times as long. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { table } from "../support/process/table.ts";
import { inSeconds, megabytes, times } from "./figures.ts";
import type { Run } from "./measured.ts";
import { everyVerb } from "./every-verb.ts";
import type { Signed } from "./verify-speed.ts";

/** Length of each of the two large blobs of a bundle; twice three times that has to fit on the disk. */
const blobBytes = { small: 150_000_000, large: 1_500_000_000 } as const;
const aimBytes = 150_000_000;

export interface VerbMemory {
  /** Lines to print. */
  readonly text: string;
  /** The bundle with the large blobs. */
  readonly bundle: Signed;
}

/** @returns what to print; the large bundle stays, below `folder`. */
export async function verbMemory(folder: string): Promise<VerbMemory> {
  const small = await everyVerb(join(folder, "small"), blobBytes.small);
  await rm(small.folder, { recursive: true });
  const large = await everyVerb(join(folder, "large"), blobBytes.large);
  const rows = [...large.runs].map(([what, run]) => row(what, small.runs.get(what), run));
  const highest = Math.max(...[...large.runs.values()].map(({ peakBytes }) => peakBytes));
  const text = [
    `peak memory (ru_maxrss of the largest process) with two blobs of ${megabytes(blobBytes.small)} each, and of ${megabytes(blobBytes.large)}:`,
    table([["verb", "small", "large", "large / small", "time, large"], ...rows]),
    `the highest: ${megabytes(highest)}; aim: below ${megabytes(aimBytes)}, whatever the length of a blob`,
  ].join("\n");
  return { text, bundle: large };
}

function row(what: string, small: Run | undefined, large: Run): readonly string[] {
  const before = small?.peakBytes ?? NaN;
  const over = large.peakBytes > aimBytes ? " (over)" : "";
  return [
    what,
    megabytes(before),
    `${megabytes(large.peakBytes)}${over}`,
    times(large.peakBytes / before),
    inSeconds(large),
  ];
}

/** How the benchmark writes its figures. */
import type { Run } from "./measured.ts";

export function inSeconds({ seconds }: Pick<Run, "seconds">): string {
  return `${seconds.toFixed(2)} s`;
}

/** Megabytes of 10^6 bytes, as media are sold. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0)} MB`;
}

export function times(ratio: number): string {
  return ratio.toFixed(2);
}

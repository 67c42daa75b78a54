/** A medium that answers differently from the second time on: what a file server, or a stick with a processor of its own, can do. */
import fs, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join, relative } from "node:path";

export interface LyingMedium {
  /** How often each file was opened or read, by its path below the directory. */
  readonly reads: ReadonlyMap<string, number>;
  /** It tells the truth again. */
  readonly end: () => void;
}

/**
 * Until it ends, this process gets a file below `directory` as it is only once; every further time it gets the file of the same
 * path below `lie`. Other processes and threads see the truth, and so does copyFile.
 *
 * @param honest how often a file is shown as it is.
 */
export function lyingMedium(directory: string, lie: string, honest = 1): LyingMedium {
  const reads = new Map<string, number>();
  const led = (path: unknown): string | undefined => {
    if (typeof path !== "string") return undefined;
    const name = relative(directory, path);
    if (name.startsWith("..") || name === "") return undefined;
    const count = (reads.get(name) ?? 0) + 1;
    reads.set(name, count);
    return count > honest ? join(lie, name) : path;
  };
  const { open, readFile } = fs;
  const patched = {
    open: (path: Parameters<typeof open>[0], ...rest: readonly never[]): Promise<FileHandle> =>
      open(led(path) ?? path, ...rest),
    readFile: ((path: Parameters<typeof open>[0], ...rest: readonly never[]) =>
      readFile(led(path) ?? path, ...rest)) as typeof readFile,
  };
  Object.assign(fs, patched);
  syncBuiltinESMExports();
  return {
    reads,
    end: () => {
      Object.assign(fs, { open, readFile });
      syncBuiltinESMExports();
    },
  };
}

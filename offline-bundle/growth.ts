/** Watches what another program brings here: it may say nothing while it waits for a server that gives nothing, or never stops giving. */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { longest, type Patience, usualPatience } from "./patience.ts";

export interface Growth {
  /** File or folder that the program writes. */
  readonly path: string;
  /** More bytes than this are refused. */
  readonly most?: number;
  readonly patience?: Patience;
}

/**
 * Gives a signal when there is more than may be, when nothing to speak of has come in four windows of `patience`, or when all that has
 * come took longer than so many bytes may. It looks four times a second: so much more may have been written.
 */
export function watchGrowth({ path, most = Infinity, patience = usualPatience }: Growth): {
  readonly signal: AbortSignal;
  readonly end: () => void;
} {
  const controller = new AbortController();
  const windowMs = patience.stallMs * windows;
  const start = performance.now();
  let [first, seen, seenAt]: [number | undefined, number, number] = [undefined, 0, start];
  const look = async (): Promise<void> => {
    const bytes = await bytesIn(path);
    // What an earlier run has left came at no cost.
    first ??= seen = bytes;
    const now = performance.now();
    const shown = `${bytes - first} bytes in ${Math.round((now - start) / 1_000)} s`;
    if (bytes > most) abort(`more than ${most} bytes`);
    else if (now - start > longest(Math.max(bytes - first, 0), patience)) abort(`it is too slow: ${shown}`);
    else if (now - seenAt >= windowMs) {
      if (bytes - seen < patience.leastBytes) abort(`${bytes - seen} bytes in ${windowMs / 1_000} s`);
      [seen, seenAt] = [bytes, now];
    }
  };
  const abort = (reason: string): void => {
    controller.abort(new Error(reason));
  };
  let looking = Promise.resolve();
  const timer = setInterval(() => {
    looking = looking.then(look);
  }, 250);
  return {
    signal: controller.signal,
    end: () => {
      clearInterval(timer);
    },
  };
}

/** oras asks for a token and for manifests before the first byte comes. */
const windows = 4;

/** What goes while it is looked at counts nothing. */
async function bytesIn(path: string): Promise<number> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return found?.size ?? 0;
  const names = await readdir(path).catch(() => []);
  const sizes = await Promise.all(names.map((name) => bytesIn(join(path, name))));
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

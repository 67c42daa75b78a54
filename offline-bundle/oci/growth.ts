/** Watches the output of another program: it may stay silent while its server sends nothing, or never stops sending. */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { maxTransferMs, type RetryPolicy, defaultRetryPolicy } from "../http/retry-policy.ts";

export interface Growth {
  /** File or folder that the program writes. */
  readonly path: string;
  /** Upper limit in bytes. */
  readonly most?: number;
  readonly retryPolicy?: RetryPolicy;
}

/**
 * Aborts when the output exceeds the limit, when almost nothing has arrived in four windows of `retryPolicy`, or when the transfer
 * takes longer than its bytes may. It checks four times a second, so that much may exceed the limit.
 */
export function watchGrowth({ path, most = Infinity, retryPolicy = defaultRetryPolicy }: Growth): {
  readonly signal: AbortSignal;
  readonly end: () => void;
} {
  const controller = new AbortController();
  const windowMs = retryPolicy.stallMs * windows;
  const start = performance.now();
  let [first, last, changedAt]: [number | undefined, number, number] = [undefined, 0, start];
  const sample = async (): Promise<void> => {
    const bytes = await bytesIn(path);
    // Bytes of an earlier run cost no time.
    first ??= last = bytes;
    const now = performance.now();
    const shown = `${bytes - first} bytes in ${Math.round((now - start) / 1_000)} s`;
    if (bytes > most) abort(`more than ${most} bytes`);
    else if (now - start > maxTransferMs(Math.max(bytes - first, 0), retryPolicy))
      abort(`the transfer is too slow: ${shown}`);
    else if (now - changedAt >= windowMs) {
      if (bytes - last < retryPolicy.leastBytes) abort(`${bytes - last} bytes in ${windowMs / 1_000} s`);
      [last, changedAt] = [bytes, now];
    }
  };
  const abort = (reason: string): void => {
    controller.abort(new Error(reason));
  };
  let sampling = Promise.resolve();
  const timer = setInterval(() => {
    sampling = sampling.then(sample);
  }, 250);
  return {
    signal: controller.signal,
    end: () => {
      clearInterval(timer);
    },
  };
}

/** oras requests a token and manifests before the first byte arrives. */
const windows = 4;

/** Files that disappear meanwhile are not counted. */
async function bytesIn(path: string): Promise<number> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return found?.size ?? 0;
  const names = await readdir(path).catch(() => []);
  const sizes = await Promise.all(names.map((name) => bytesIn(join(path, name))));
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

/** How often and how long a download is retried. */
export interface RetryPolicy {
  /** Consecutive tries with almost no progress before a source has failed. */
  readonly attempts: number;
  /** Total tries, whatever their progress: a source that never finishes has failed. */
  readonly tries: number;
  /**
   * All tries of one file together may take `graceMs` plus the time of its bytes at this speed, in bytes per second. Received
   * bytes are kept, so that the next run on a slower connection resumes them.
   */
  readonly slowest: number;
  /** In milliseconds. */
  readonly graceMs: number;
  /** Wait before the second try, in milliseconds; it doubles with every further one, up to {@link longestBackoffMs}. */
  readonly backoffMs: number;
  /**
   * Window in milliseconds in which at least {@link leastBytes} have to arrive; otherwise the connection is considered broken.
   */
  readonly stallMs: number;
  readonly leastBytes: number;
  /**
   * The longest wait that a server may request (Retry-After), in milliseconds; the download gives up on a server that requests
   * more.
   */
  readonly longestRetryAfterMs: number;
}

/** Less than a kilobyte per second is too slow; no byte for half a minute means that the server does not respond. */
export const defaultRetryPolicy: RetryPolicy = {
  attempts: 5,
  tries: 200,
  slowest: 64 * 1024,
  graceMs: 600_000,
  backoffMs: 1_000,
  stallMs: 30_000,
  leastBytes: 30_000,
  longestRetryAfterMs: 120_000,
};

const longestBackoffMs = 30_000;

/** The longest time in milliseconds that this many bytes may take. */
export function maxTransferMs(
  bytes: number,
  { slowest, graceMs }: Pick<RetryPolicy, "slowest" | "graceMs">,
): number {
  return graceMs + Math.ceil((bytes / slowest) * 1_000);
}

/** The wait before the next try in milliseconds; a quarter of it is random, so that several clients do not retry at once. */
export function backoff(failures: number, { backoffMs }: RetryPolicy): number {
  const wait = Math.min(backoffMs * 2 ** Math.max(failures - 1, 0), longestBackoffMs);
  return wait * (0.75 + Math.random() / 4);
}

/** Milliseconds of a Retry-After header (RFC 9110, 10.2.3): seconds or a date; undefined when it is absent or invalid. */
export function retryAfter(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1_000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(date - now, 0);
}

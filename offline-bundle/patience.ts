/** How long a server is given. */
export interface Patience {
  /** Tries in a row that bring next to nothing before a place counts as failed. */
  readonly attempts: number;
  /** Tries in all, however much each of them brings: a place that is never done counts as failed. */
  readonly tries: number;
  /**
   * All tries of one file together may take `graceMs` and as long as its bytes take at this speed, in bytes a second. What came is
   * kept, so that the next run of a line that is slower still goes on with it.
   */
  readonly slowest: number;
  /** In milliseconds. */
  readonly graceMs: number;
  /** Wait before the second try, in milliseconds; it doubles with every further one, up to {@link longestBackoffMs}. */
  readonly backoffMs: number;
  /** Window, in milliseconds, in which at least {@link leastBytes} have to arrive; else the connection counts as broken. */
  readonly stallMs: number;
  readonly leastBytes: number;
  /** The longest wait that a server may ask for (Retry-After), in milliseconds; one that asks for more is given up. */
  readonly longestRetryAfterMs: number;
}

/** A kilobyte a second is no download; half a minute without a sign is no server. */
export const usualPatience: Patience = {
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

/** The longest that so many bytes may take, in milliseconds. */
export function longest(bytes: number, { slowest, graceMs }: Pick<Patience, "slowest" | "graceMs">): number {
  return graceMs + Math.ceil((bytes / slowest) * 1_000);
}

/** The wait before the next try, in milliseconds; a quarter of it is chance, so that several do not come back as one. */
export function backoff(failures: number, { backoffMs }: Patience): number {
  const wait = Math.min(backoffMs * 2 ** Math.max(failures - 1, 0), longestBackoffMs);
  return wait * (0.75 + Math.random() / 4);
}

/** Milliseconds of a Retry-After header (RFC 9110, 10.2.3): seconds or a date; undefined when there is none that makes sense. */
export function retryAfter(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1_000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(date - now, 0);
}

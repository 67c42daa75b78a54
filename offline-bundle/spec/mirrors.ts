/** Other sources of the same bytes: the pin shows whether they are right, so a source need not be trusted. */
import { type Problem, SealiftError } from "../../modules/core/errors.ts";

/** From the prefix of a URL to the prefixes that may replace it, in the order in which they are tried. */
export type Mirrors = Readonly<Record<string, readonly string[]>>;

/**
 * The URLs from which the bytes of a URL may be fetched, in the order to try. The longest matching prefix applies. The URL itself
 * comes first, unless the list contains its own prefix: then it comes at that position.
 */
export function mirroredUrls(url: string, mirrors: Mirrors): readonly string[] {
  const [prefix] = Object.keys(mirrors)
    .filter((one) => url.startsWith(one))
    .sort((a, b) => b.length - a.length);
  if (prefix === undefined) return [url];
  const rest = url.slice(prefix.length);
  const others = (mirrors[prefix] ?? []).map((other) => other + rest);
  return [...new Set(others.includes(url) ? others : [url, ...others])];
}

/** Called for a source that failed or returned wrong bytes when another source had the right ones. */
export type Warn = (problem: Problem) => void;

/**
 * Tries sources in order until one has the right bytes; the others are reported.
 *
 * @throws {SealiftError} the problems of every source when none has them; at once for a problem that no other source would solve.
 */
export async function firstMirror<T>(
  places: readonly string[],
  attempt: (place: string) => Promise<T>,
  warn: Warn = () => undefined,
): Promise<T> {
  const failures: SealiftError[] = [];
  for (const place of places) {
    try {
      const value = await attempt(place);
      for (const problem of failures.flatMap(({ problems }) => problems)) warn(problem);
      return value;
    } catch (error) {
      if (!(error instanceof SealiftError) || !error.problems.every(isOfThePlace)) throw error;
      failures.push(error);
    }
  }
  const [only, ...more] = failures;
  if (only !== undefined && more.length === 0) throw only;
  throw new SealiftError(failures.flatMap(({ problems }) => problems));
}

function isOfThePlace({ code }: Problem): boolean {
  return code === "E_DOWNLOAD" || code === "E_DOWNLOAD_SHA256" || code === "E_PIN_MISMATCH";
}

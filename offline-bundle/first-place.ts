import { type Problem, SealiftError } from "../modules/core/errors.ts";

/** Told of a place that failed or lied, when another one has given the right bytes. */
export type Warn = (problem: Problem) => void;

/**
 * Tries places in their order until one gives what is wanted; the others are told.
 *
 * @throws {SealiftError} every place's problems when none does; at once for what another place would not change.
 */
export async function firstPlace<T>(
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
  return code === "E_DOWNLOAD" || code === "E_DOWNLOAD_SHA256" || code === "E_PIN";
}

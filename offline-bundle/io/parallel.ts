import { type Problem, SealiftError } from "../../modules/core/errors.ts";

/** The outcome of a list of jobs: results and problems, both in the order of the items. */
export interface Results<R> {
  readonly values: readonly R[];
  readonly problems: readonly Problem[];
}

/**
 * Runs `work` for every item, at most `limit` at a time, and waits for all of them: a SealiftError of one does not stop the
 * others, so that all problems are reported at once.
 *
 * @throws the first error of any other kind, after all have ended.
 */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<Results<R>> {
  const values = new Map<number, R>();
  const failures = new Map<number, unknown>();
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) {
      try {
        values.set(index, await work(item));
      } catch (error) {
        failures.set(index, error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  const problems = inOrder(failures).flatMap((failure) => {
    if (failure instanceof SealiftError) return failure.problems;
    throw failure instanceof Error ? failure : new Error(String(failure));
  });
  return { values: inOrder(values), problems };
}

function inOrder<R>(results: ReadonlyMap<number, R>): readonly R[] {
  return [...results.entries()].sort(([a], [b]) => a - b).map(([, result]) => result);
}

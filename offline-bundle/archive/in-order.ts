/**
 * Starts jobs as they come, at most `limit` at a time, and yields their results in the order of the jobs, whichever ends first.
 * When a job fails, or its source throws, the results of all earlier jobs come first.
 *
 * @param jobs the next job is requested only when a slot is free.
 * @param limit concurrent jobs, 1 or more.
 */
export async function* inOrder<T>(jobs: AsyncGenerator<() => Promise<T>>, limit: number): AsyncGenerator<T> {
  const underWay: Promise<T>[] = [];
  const start = async (): Promise<boolean> => {
    try {
      const step = await jobs.next();
      if (step.done !== true) underWay.push(reportedLater(step.value()));
      return step.done !== true;
    } catch (error) {
      underWay.push(reportedLater(Promise.reject(error instanceof Error ? error : new Error(String(error)))));
      return false;
    }
  };
  try {
    for (let more = true; ;) {
      while (more && underWay.length < limit) more = await start();
      const first = underWay.shift();
      if (first === undefined) return;
      yield await first;
    }
  } finally {
    await jobs.return(undefined);
    // After the consumer has stopped, no job may keep running in the background.
    await Promise.allSettled(underWay);
  }
}

/** A failure is reported when its turn comes; until then the promise is not awaited. */
function reportedLater<T>(job: Promise<T>): Promise<T> {
  job.catch(() => undefined);
  return job;
}

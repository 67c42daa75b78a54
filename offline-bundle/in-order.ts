/**
 * Starts jobs as they come, at most `limit` at a time, and gives out their results in the order of the jobs: whichever ends
 * first. Before a job that fails, or an error of whoever makes them, come the results of all jobs before it.
 *
 * @param jobs asked for the next one only when there is room for it.
 * @param limit jobs under way, 1 or more.
 */
export async function* inOrder<T>(jobs: AsyncGenerator<() => Promise<T>>, limit: number): AsyncGenerator<T> {
  const underWay: Promise<T>[] = [];
  const start = async (): Promise<boolean> => {
    try {
      const step = await jobs.next();
      if (step.done !== true) underWay.push(heardLater(step.value()));
      return step.done !== true;
    } catch (error) {
      underWay.push(heardLater(Promise.reject(error instanceof Error ? error : new Error(String(error)))));
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
    // Nothing goes on behind the back of whoever has stopped.
    await Promise.allSettled(underWay);
  }
}

/** Its failure is told when its turn comes; nobody waits for it before. */
function heardLater<T>(job: Promise<T>): Promise<T> {
  job.catch(() => undefined);
  return job;
}

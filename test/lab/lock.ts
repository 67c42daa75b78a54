import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { cachePath } from "./cache.ts";

/** After this time without the lock, the program reports what it waits for. */
const reportAfterMs = 1000;

/**
 * Runs `work` while this process alone holds the lock `name` of the cache folder. It ends with the process, however that
 * ends: flock(1) (util-linux) holds it for as long as the pipe to it is open.
 *
 * @param waiting called once when another process holds the lock for longer than a second.
 * @throws whatever `work` throws; Error when flock cannot be run.
 */
export async function withLock<T>(name: string, waiting: () => void, work: () => Promise<T>): Promise<T> {
  await mkdir(cachePath("lab"), { recursive: true });
  const holder = spawn("flock", [cachePath("lab", `${name}.lock`), "cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(holder, "exit");
  const timer = setTimeout(waiting, reportAfterMs);
  try {
    holder.stdin.write("held\n");
    // cat answers as soon as flock has the lock.
    await Promise.race([
      once(holder.stdout, "data"),
      ended.then(() => Promise.reject(new Error(`flock: no lock ${name}`))),
    ]);
    clearTimeout(timer);
    return await work();
  } finally {
    clearTimeout(timer);
    holder.stdin.end();
    await ended.catch(() => undefined);
  }
}

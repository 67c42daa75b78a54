/** Which version a line like `28.5` stands for at this site: the newest that the lock of its bundle has. */
import { type Lock, readLock } from "../offline-bundle/lock-file.ts";
import { SealiftError } from "./core/errors.ts";
import { type Lines, newestOf, type Pinned } from "./core/layers/exact-versions.ts";
import { lockOf } from "./lock-of.ts";

/** What the words of `engine` are called in the lock. */
const names: Readonly<Record<Pinned, string>> = { version: "docker", compose: "compose", buildx: "buildx" };

/** @param site as it is written; whether it is right has not been looked at yet. */
export async function linesOf(site: unknown): Promise<Lines | undefined> {
  const file = lockOf(site);
  if (file === undefined) return undefined;
  try {
    return linesIn(await readLock(file));
  } catch (error) {
    // What is wrong with the lock is told when the bundle is checked.
    if (error instanceof SealiftError) return undefined;
    throw error;
  }
}

/** What lines stand for in this lock. */
export function linesIn({ files }: Lock): Lines {
  return (what, line) =>
    newestOf(
      line,
      files.filter(({ name }) => name === names[what]).map(({ version }) => version),
    );
}

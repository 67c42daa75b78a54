/** What a blob is called by people: a file of the lock, or the manifest of a tag. */
import { join } from "node:path";
import type { Problem } from "../modules/core/errors.ts";
import { inside, type Seal } from "./layout.ts";
import { readLock } from "./lock-file.ts";
import { hexOf } from "./manifests.ts";
import { label } from "./want.ts";

/** The same problems; one whose subject is a blob's sha256 has the blob's name there, and the sha256 in its place. */
export async function withNames(
  problems: readonly Problem[],
  directory: string,
  seal: Seal,
): Promise<readonly Problem[]> {
  if (problems.length === 0) return problems;
  // Bundle text and lock may be altered themselves: their names are for people, nothing is concluded from them.
  const lock = await readLock(join(directory, inside.lock)).catch(() => undefined);
  const manifests: Seal["manifests"] = Array.isArray(seal.manifests) ? seal.manifests : [];
  const names = new Map([
    ...manifests.map(({ ref, digest }) => [hexOf(digest), `manifest of ${ref}`] as const),
    ...(lock?.files ?? []).map((file) => [file.sha256, label(file)] as const),
  ]);
  return problems.map((problem) => {
    const name = names.get(problem.subject);
    return name === undefined
      ? problem
      : { ...problem, where: join(problem.where, problem.subject), subject: name };
  });
}

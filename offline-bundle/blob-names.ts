/** What a blob is called by people: a file of the lock, or the manifest of a tag. */
import { join } from "node:path";
import type { Problem } from "../modules/core/errors.ts";
import { hexOf } from "./manifests.ts";
import type { BundleContent } from "./read-bundle.ts";
import { label } from "./want.ts";

/** The same problems; one whose subject is a blob's sha256 has the blob's name there, and the sha256 in its place. */
export function withNames(
  problems: readonly Problem[],
  { seal, lock }: Pick<BundleContent, "seal" | "lock">,
): readonly Problem[] {
  if (problems.length === 0) return problems;
  const names = new Map([
    ...seal.manifests.map(({ ref, digest }) => [hexOf(digest), `manifest of ${ref}`] as const),
    ...(lock?.files ?? []).map((file) => [file.sha256, label(file)] as const),
  ]);
  return problems.map((problem) => {
    const name = names.get(problem.subject);
    return name === undefined
      ? problem
      : { ...problem, where: join(problem.where, problem.subject), subject: name };
  });
}

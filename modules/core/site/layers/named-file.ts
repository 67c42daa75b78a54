/** A file that another file of the site names. */
import { readFileSync } from "node:fs";
import { SealiftError, type Problem } from "../../errors.ts";

/**
 * @param naming place and subject of the name, and what to say when there is no such file.
 * @throws {SealiftError} E_SITE_MISSING
 */
export function readNamedFile(
  file: string,
  naming: Pick<Problem, "where" | "subject" | "expected" | "fix">,
): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new SealiftError([{ ...naming, code: "E_SITE_MISSING", found: `no such file: ${file}` }]);
  }
}

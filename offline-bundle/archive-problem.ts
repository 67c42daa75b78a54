import { SealiftError } from "../modules/core/errors.ts";

/** E_ARCHIVE: what is wrong with an archive or package that was to be pinned. */
export function archiveProblem(archive: string, got: string, expected: string): SealiftError {
  return new SealiftError([
    {
      where: archive,
      code: "E_ARCHIVE",
      subject: "archive",
      got,
      expected,
      todo: "check the url in bundle.yaml; do not use this file",
    },
  ]);
}

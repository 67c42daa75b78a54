/** The reference page of the error codes, out of modules/core/error-meanings.ts. */
import { format } from "prettier";
import { errorChapters } from "../../modules/core/error-meanings.ts";

/** The page as Markdown, formatted as all files of the project are. */
export function errorReference(): Promise<string> {
  return format(
    [
      "# Error codes",
      "",
      "A message names where the problem is, its code, what was found, what is expected, and what to do. A code never changes its",
      "meaning. The exit codes of `sealift` are in [the command line](cli.md); `pulumi up` ends with 255, whatever the code is. Made",
      "from `modules/core/error-meanings.ts`; `npm run docs` writes this page.",
      "",
      ...errorChapters.flatMap(({ title, codes }) => [
        `## ${title}`,
        "",
        ...Object.entries(codes).flatMap(([code, { meaning, fix }]) => [
          `### ${code}`,
          "",
          `${meaning} ${fix}`,
          "",
        ]),
      ]),
    ].join("\n"),
    { parser: "markdown" },
  );
}

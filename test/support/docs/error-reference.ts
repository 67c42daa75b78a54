/** The reference page of the error codes, out of modules/core/error-meanings.ts. */
import { format } from "prettier";
import { errorChapters } from "../../../modules/core/error-meanings.ts";

/** The page as Markdown, formatted as all files of the project are. */
export function errorReference(): Promise<string> {
  return format(
    [
      "# Error codes",
      "",
      "A message shows the location of the problem, its code, the finding, the expected state, and the fix. The meaning of a code never",
      "changes. [The command line](cli.md) lists the exit codes of `sealift`. `pulumi up` exits with 255, whatever the code is.",
      "`npm run docs` generates this page from `modules/core/error-meanings.ts`.",
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

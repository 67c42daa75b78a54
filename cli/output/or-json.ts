/** `--json`: the result, or all problems, in one object on stdout. */
import { SealiftError } from "../../modules/core/errors.ts";
import { exitCode } from "./exit-code.ts";
import { jsonProblem } from "./json-problem.ts";
import { printJsonText } from "./print.ts";

/** Prints the result of `work` with `ok: true`; a refusal is printed as well, and sets the exit code. */
export async function printJson(work: () => Promise<object>): Promise<void> {
  try {
    printJsonText({ ok: true, ...(await work()) });
  } catch (error) {
    if (!(error instanceof SealiftError)) throw error;
    printJsonText({ ok: false, problems: error.problems.map(jsonProblem) });
    process.exitCode = exitCode(error);
  }
}

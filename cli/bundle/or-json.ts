/** `--json`: the result, or all problems, in one object on stdout. */
import { SealiftError } from "../../modules/core/errors.ts";
import { exitCode } from "../exit-code.ts";
import { printJsonText } from "../print.ts";

/** Prints what `work` gives, `ok: true` before it; a refusal is printed too, and sets the exit code. */
export async function printJson(work: () => Promise<object>): Promise<void> {
  try {
    printJsonText({ ok: true, ...(await work()) });
  } catch (error) {
    if (!(error instanceof SealiftError)) throw error;
    printJsonText({ ok: false, problems: error.problems });
    process.exitCode = exitCode(error);
  }
}

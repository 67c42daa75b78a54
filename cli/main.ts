/** The `sealift` command: parses, calls, prints. */
import { inspect } from "node:util";
import { CommanderError } from "commander";
import { SealiftError } from "../modules/core/errors.ts";
import { exitCode } from "./exit-code.ts";
import { printError } from "./print.ts";
import { sealiftProgram } from "./program.ts";

try {
  await sealiftProgram().parseAsync();
} catch (error) {
  // Commander has printed its own words already.
  if (!(error instanceof CommanderError))
    printError(error instanceof SealiftError ? error.message : inspect(error));
  process.exitCode = exitCode(error);
}

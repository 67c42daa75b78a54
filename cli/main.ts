/** The `sealift` command: parses, calls, prints. */
import { inspect } from "node:util";
import { CommanderError } from "commander";
import { withFrames } from "../modules/core/document/frames.ts";
import { SealiftError } from "../modules/core/errors.ts";
import { exitCode } from "./output/exit-code.ts";
import { printError } from "./output/print.ts";
import { sealiftProgram } from "./program.ts";

try {
  await sealiftProgram().parseAsync();
} catch (error) {
  // Commander has already printed its own message.
  if (!(error instanceof CommanderError))
    printError(error instanceof SealiftError ? withFrames(error.problems) : inspect(error));
  process.exitCode = exitCode(error);
}

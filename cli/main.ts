/** The `sealift` command: parses, calls, prints. */
import { inspect } from "node:util";
import { Command, CommanderError } from "commander";
import { SealiftError } from "../modules/core/errors.ts";
import { bundleCommand } from "./bundle.ts";
import { checkCommand } from "./check.ts";
import { diffCommand } from "./diff.ts";
import { doctorCommand } from "./doctor.ts";
import { exitCode, exitCodes } from "./exit-code.ts";
import { initCommand } from "./init.ts";
import { receiptCommand } from "./receipt.ts";
import { sbomCommand } from "./sbom.ts";
import { showCommand } from "./show.ts";
import { printError } from "./print.ts";

const program = new Command("sealift")
  .description("Carries Docker into networks that have no way out.")
  .addHelpText("after", `\nExit codes:\n${exitCodes.map(([code, text]) => `  ${code}  ${text}`).join("\n")}`)
  .exitOverride()
  .addCommand(bundleCommand())
  .addCommand(checkCommand())
  .addCommand(diffCommand())
  .addCommand(doctorCommand())
  .addCommand(initCommand())
  .addCommand(receiptCommand())
  .addCommand(sbomCommand())
  .addCommand(showCommand());
// Subcommands do not inherit it.
for (const command of program.commands.flatMap((one) => [one, ...one.commands])) command.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  // Commander has printed its own words already.
  if (!(error instanceof CommanderError))
    printError(error instanceof SealiftError ? error.message : inspect(error));
  process.exitCode = exitCode(error);
}

/** The tree of commands of `sealift`. */
import { Command } from "commander";
import { bundleCommand } from "./bundle.ts";
import { checkCommand } from "./check.ts";
import { diffCommand } from "./diff.ts";
import { doctorCommand } from "./doctor.ts";
import { exitCodes } from "./exit-code.ts";
import { initCommand } from "./init.ts";
import { receiptCommand } from "./receipt.ts";
import { sbomCommand } from "./sbom.ts";
import { showCommand } from "./show.ts";
import { versionText } from "./version.ts";

/** Errors of the command line are thrown, never an exit. */
export function sealiftProgram(): Command {
  const program = new Command("sealift")
    .description("Carries Docker into networks that have no way out.")
    .version(
      versionText(),
      "-V, --version",
      "print the versions of Sealift, its bundle format and the plugin it needs",
    )
    .addHelpText(
      "after",
      `\nExit codes:\n${exitCodes.map(([code, text]) => `  ${code}  ${text}`).join("\n")}`,
    )
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
  return program;
}

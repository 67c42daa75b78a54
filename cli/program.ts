/** The command tree of `sealift`. */
import { Command } from "commander";
import { bundleCommand } from "./bundle.ts";
import { checkCommand } from "./check.ts";
import { diffCommand } from "./diff.ts";
import { doctorCommand } from "./doctor.ts";
import { exitCodes } from "./output/exit-code.ts";
import { initCommand } from "./init.ts";
import { newCommand } from "./new.ts";
import { planCommand } from "./plan.ts";
import { receiptCommand } from "./receipt.ts";
import { restoreCommand } from "./restore.ts";
import { sbomCommand } from "./sbom.ts";
import { secretCommand } from "./secret.ts";
import { showCommand } from "./show.ts";
import { statusCommand } from "./status.ts";
import { upgradeCommand } from "./upgrade.ts";
import { versionText } from "./version.ts";

/** Errors of the command line are thrown; the process is not exited. */
export function sealiftProgram(): Command {
  const program = new Command("sealift")
    .description("Provision Docker hosts in air-gapped networks from a signed bundle.")
    .version(
      versionText(),
      "-V, --version",
      "print the version of Sealift, its bundle format, and the Pulumi plugin that it requires",
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
    .addCommand(newCommand())
    .addCommand(planCommand())
    .addCommand(receiptCommand())
    .addCommand(restoreCommand())
    .addCommand(sbomCommand())
    .addCommand(secretCommand())
    .addCommand(showCommand())
    .addCommand(statusCommand())
    .addCommand(upgradeCommand());
  // Subcommands do not inherit this setting.
  for (const command of program.commands.flatMap((one) => [one, ...one.commands])) command.exitOverride();
  return program;
}

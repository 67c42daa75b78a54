/** The reference page of the command line, out of the commands themselves: what --help prints, as a page. */
import type { Argument, Command, Option } from "commander";
import { format } from "prettier";
import { exitCodes } from "../../../cli/output/exit-code.ts";
import { sealiftProgram } from "../../../cli/program.ts";

/** The page as Markdown, formatted as all files of the project are. */
export function cliReference(): Promise<string> {
  const program = sealiftProgram();
  const verbs = program.commands.flatMap((command) => chapter(command, "sealift"));
  return format(
    [
      "# The command line",
      "",
      "Every command of `sealift`. `npm run docs` generates this page from the commands. Each command prints its part of this page with",
      "`--help`.",
      "",
      ...options(program),
      ...verbs,
      "## Exit codes",
      "",
      ...exitCodes.map(([code, text]) => `- \`${code}\`: ${text}`),
      "",
    ].join("\n"),
    { parser: "markdown" },
  );
}

function chapter(command: Command, above: string): readonly string[] {
  const name = `${above} ${command.name()}`;
  if (command.commands.length > 0) return command.commands.flatMap((one) => chapter(one, name));
  const usage = [name, ...command.registeredArguments.map(argumentText), "[options]"].join(" ");
  return [
    `## ${name}`,
    "",
    sentence(command.description()),
    "",
    `    ${usage}`,
    "",
    ...command.registeredArguments.map((one) => `- \`${argumentText(one)}\`: ${one.description}`),
    ...command.options.map(optionText),
    "",
  ];
}

function options(command: Command): readonly string[] {
  return [...command.options.map(optionText), ""];
}

function argumentText(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

function optionText({ flags, description, defaultValue, argChoices }: Option): string {
  const choices = argChoices === undefined ? "" : ` (one of ${argChoices.join(", ")})`;
  const plain = typeof defaultValue === "string" || typeof defaultValue === "number";
  return `- \`${flags}\`: ${description}${choices}${plain ? ` (default: ${defaultValue})` : ""}`;
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}

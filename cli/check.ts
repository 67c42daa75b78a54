/** `sealift check [env…]`: everything that can be wrong with environments, without a network. */
import { Command } from "commander";
import type { CheckedEnvironment } from "../modules/check.ts";
import { SealiftError } from "../modules/core/errors.ts";
import { tellWarnings } from "./bundle/policy-flags.ts";
import { columns } from "./columns.ts";
import { exitCode } from "./exit-code.ts";
import { problemText } from "./findings-text.ts";
import { paint } from "./paint.ts";
import { progressLine } from "./progress.ts";
import { printJsonText, printPainted } from "./print.ts";

export function checkCommand(): Command {
  return new Command("check")
    .description("checks environments offline: form, rules, pins, and the bundle when it is here")
    .argument("[env...]", "environments: stacks/<env>.site.yaml; none given: all but the examples")
    .option("--json", "print the result as JSON")
    .addHelpText("after", examples)
    .action(async (names: readonly string[], flags: { readonly json?: true }) => {
      // The rules of a site take longer to load than most other commands need in all.
      const { checkEnvironments } = await import("../modules/check.ts");
      const { ownEnvironments } = await import("../modules/stack-file.ts");
      const progress = progressLine();
      const asked = names.length > 0 ? names : ownEnvironments();
      const checked = await checkEnvironments(asked, (bytes, total) => {
        progress.report("reading the bundle", bytes / total);
      }).finally(progress.end);
      if (flags.json === true) printJsonText(checked);
      else {
        tellWarnings(checked.flatMap(({ warnings }) => warnings));
        printPainted(text(checked));
      }
      const problems = checked.flatMap((one) => one.problems);
      if (problems.length > 0) process.exitCode = exitCode(new SealiftError(problems));
    });
}

function text(checked: readonly CheckedEnvironment[]): string {
  const rows = checked.map(({ environment, hosts, against, problems }) => [
    environment,
    problems.length === 0 ? "ok" : `${problems.length} ${problems.length === 1 ? "problem" : "problems"}`,
    hosts === undefined ? "-" : `${hosts} ${hosts === 1 ? "host" : "hosts"}`,
    against,
  ]);
  const width = process.stdout.isTTY ? process.stdout.columns : 100;
  const told = checked.flatMap(({ problems }) => problems.map((one) => problemText(one, { width, paint })));
  return [columns(rows), ...told].join("\n\n");
}

const examples = `
It asks no host: sealift doctor <env> does.

Examples:
  $ sealift check                                 all environments of this checkout
  $ sealift check prod && pulumi preview --stack prod`;

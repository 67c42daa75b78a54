/** `sealift check [env…]`: checks environments without a network. */
import { Command } from "commander";
import type { CheckedEnvironment } from "../modules/environments/check-environments.ts";
import { refuse, SealiftError } from "../modules/core/errors.ts";
import { installationProblems } from "../modules/core/installed-packages.ts";
import { printWarnings } from "./bundle/policy-flags.ts";
import { columns } from "./output/columns.ts";
import { jsonProblem } from "./output/json-problem.ts";
import { exitCode } from "./output/exit-code.ts";
import { problemText } from "./output/findings-text.ts";
import { paint } from "./output/paint.ts";
import { progressLine } from "./output/progress.ts";
import { printJsonText, printPainted } from "./output/print.ts";

export function checkCommand(): Command {
  return new Command("check")
    .description(
      "Check environments offline: syntax, rules, pinned versions, and the bundle if it is present",
    )
    .argument("[env...]", "environments: stacks/<env>.site.yaml (default: all except the examples)")
    .option("--json", "print the result as JSON")
    .addHelpText("after", examples)
    .action(async (names: readonly string[], flags: { readonly json?: true }) => {
      refuse(installationProblems(process.cwd()));
      // The rules of a site take longer to load than most other commands take in total.
      const { checkEnvironments } = await import("../modules/environments/check-environments.ts");
      const { ownEnvironments } = await import("../modules/environments/stack-file.ts");
      const progress = progressLine();
      const environments = names.length > 0 ? names : ownEnvironments();
      const checked = await checkEnvironments(environments, (bytes, total) => {
        progress.report("reading the bundle", bytes / total);
      }).finally(progress.end);
      if (flags.json === true)
        printJsonText(checked.map((one) => ({ ...one, problems: one.problems.map(jsonProblem) })));
      else {
        printWarnings(checked.flatMap(({ warnings }) => warnings));
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
  const reported = checked.flatMap(({ problems }) =>
    problems.map((one) => problemText(one, { width, paint })),
  );
  return [columns(rows), ...reported].join("\n\n");
}

const examples = `
This command connects to no host; sealift doctor <env> does.

Examples:
  $ sealift check                                 all environments of this checkout
  $ sealift check prod && pulumi preview --stack prod`;

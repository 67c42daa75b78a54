/** `sealift plan [env…]`: the steps of every host as this version plans them, without contacting any host. */
import { Command } from "commander";
import { SealiftError } from "../modules/core/errors.ts";
import type { OfflineEnvironment } from "../modules/rollout/offline-plan.ts";
import { columns } from "./output/columns.ts";
import { exitCode } from "./output/exit-code.ts";
import { problemText } from "./output/findings-text.ts";
import { jsonProblem } from "./output/json-problem.ts";
import { paint } from "./output/paint.ts";
import { printJsonText, printPainted } from "./output/print.ts";

export function planCommand(): Command {
  return new Command("plan")
    .description("Print the steps of each host offline: every fact, its impact and the shell call behind it")
    .argument("[env...]", "environments: stacks/<env>.site.yaml (default: all except the examples)")
    .option("--json", "print this version's keys, codes and requirements, and the plans, as JSON")
    .addHelpText("after", examples)
    .action(async (names: readonly string[], flags: { readonly json?: true }) => {
      // Another version may be the one that the repository pins: sealift upgrade runs this. So the installation is not checked.
      const { planEnvironments } = await import("../modules/rollout/toolkit-plan.ts");
      const plan = await planEnvironments(names);
      if (flags.json === true)
        printJsonText({
          ...plan,
          environments: plan.environments.map((one) => ({
            ...one,
            problems: one.problems.map(jsonProblem),
          })),
        });
      else printPainted(plan.environments.map(text).join("\n\n"));
      const problems = plan.environments.flatMap((one) => one.problems);
      if (problems.length > 0) process.exitCode = exitCode(new SealiftError(problems));
    });
}

function text({ environment, problems, hosts }: OfflineEnvironment): string {
  const width = process.stdout.isTTY ? process.stdout.columns : 100;
  const planned = hosts.map(
    ({ name, steps }) =>
      `${columns([[`${environment}: ${name}`]])}\n${columns(steps.map(({ code, effect, fact }) => [`  ${code}`, effect, fact]))}`,
  );
  return [...planned, ...problems.map((one) => problemText(one, { width, paint }))].join("\n\n");
}

const examples = `
This command connects to no host. It does not know which facts hold already; pulumi preview and sealift doctor do.

Examples:
  $ sealift plan prod                                     every fact of every host, with its impact
  $ sealift plan prod --json | jq -r '.environments[].hosts[].steps[].call'`;

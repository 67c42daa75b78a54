/** `sealift status <env>`: the applications of an environment on its hosts. */
import { Command } from "commander";
import { SealiftError } from "../modules/core/errors.ts";
import type { SiteStatus } from "../modules/rollout/site-status.ts";
import { exitCode } from "./output/exit-code.ts";
import { jsonProblem } from "./output/json-problem.ts";
import { paint } from "./output/paint.ts";
import { progressLine } from "./output/progress.ts";
import { printJsonText, printPainted } from "./output/print.ts";
import { statusText } from "./output/status-text.ts";

interface Flags {
  readonly json?: true;
}

export function statusCommand(): Command {
  return new Command("status")
    .description(
      "Show the applications on their hosts and on the swarm: version, health, replicas, and the last update",
    )
    .argument("<env>", "the environment: stacks/<env>.site.yaml")
    .option("--json", "print the complete result as JSON")
    .addHelpText("after", examples)
    .action(async (environment: string, flags: Flags) => {
      // The rules of a site take longer to load than most other commands take in total.
      const { siteStatus } = await import("../modules/rollout/site-status.ts");
      const progress = progressLine();
      try {
        const status = await siteStatus(environment, progress.report).finally(progress.end);
        const width = process.stdout.isTTY ? process.stdout.columns : 100;
        if (flags.json === true) printJsonText(status);
        else printPainted(statusText(status, { width, paint }));
        process.exitCode = statusExitCode(status);
      } catch (error) {
        if (flags.json !== true || !(error instanceof SealiftError)) throw error;
        printJsonText({ ok: false, environment, problems: error.problems.map(jsonProblem) });
        process.exitCode = exitCode(error);
      }
    });
}

/** Problems of the bundle come first, then applications that are not as the site wants them, then unreachable hosts. */
export function statusExitCode({ problems, applications, swarm }: SiteStatus): number {
  if (problems.length > 0) return exitCode(new SealiftError(problems));
  const wrong = applications.filter(({ ok }) => !ok);
  if (wrong.length === 0 && swarm?.ok !== false) return 0;
  const silent = (code: string | undefined): boolean => code === "E_HOST_UNREACHABLE";
  const unasked =
    swarm?.ok !== false || (swarm.managers === undefined && swarm.problems.every(({ code }) => silent(code)));
  return unasked && wrong.every(({ problem }) => silent(problem?.code)) ? 69 : 78;
}

const examples = `
status asks every host that runs an application, over one ssh connection, with keys from the ssh-agent. "since" is the newest start
of a container, "restarts" are those by the engine, "down" is how long each service was down in the last update. What runs is what the
host says about itself.
Of a swarm all managers are asked; the first one that answers and has a quorum is believed. It is shown how many replicas of each
service run, on which nodes, and how its last update ended.

Examples:
  $ sealift status prod                           a table, and below it what differs
  $ sealift status prod --json | jq '.applications[] | select(.ok | not)'
  $ sealift status prod || mail -s "prod" ops     exit code 0: all are healthy, in the expected version`;

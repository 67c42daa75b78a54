/** `sealift doctor <env>`: checks every host without Pulumi and without changing anything. */
import { Command } from "commander";
import { SealiftError } from "../modules/core/errors.ts";
import type { Diagnosis } from "../modules/rollout/diagnosis.ts";
import { exitCode } from "./output/exit-code.ts";
import { jsonProblem } from "./output/json-problem.ts";
import { paint } from "./output/paint.ts";
import { progressLine } from "./output/progress.ts";
import { printJsonText, printPainted } from "./output/print.ts";

interface Flags {
  readonly json?: true;
  readonly rehash?: true;
}

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("Check the operator's machine, the bundle and all hosts; changes nothing")
    .argument("<env>", "the environment: stacks/<env>.site.yaml")
    .option("--json", "print the complete result as JSON")
    .option("--rehash", "hash every installed file again instead of using recorded hashes")
    .addHelpText("after", examples)
    .action(async (environment: string, flags: Flags) => {
      // Phases load Pulumi, which takes longer than most other commands take in total.
      const { diagnose } = await import("../modules/rollout/doctor.ts");
      const { doctorText } = await import("./output/doctor-text.ts");
      const progress = progressLine();
      const work = diagnose(environment, { deep: flags.rehash === true, report: progress.report });
      try {
        const diagnosis = await work.finally(progress.end);
        const width = process.stdout.isTTY ? process.stdout.columns : 100;
        if (flags.json === true) printJsonText(diagnosis);
        else printPainted(doctorText(diagnosis, { width, paint }));
        process.exitCode = doctorExitCode(diagnosis);
      } catch (error) {
        if (flags.json !== true || !(error instanceof SealiftError)) throw error;
        printJsonText({ ok: false, environment, problems: error.problems.map(jsonProblem) });
        process.exitCode = exitCode(error);
      }
    });
}

/** Problems of the operator's machine and the bundle come first, then failed checks, then unreachable hosts. */
export function doctorExitCode({ problems, hosts }: Diagnosis): number {
  if (problems.length > 0) return exitCode(new SealiftError(problems));
  const codes = hosts.flatMap(({ findings }) =>
    findings.flatMap(({ verdict, code }) => (verdict === "fail" ? [code] : [])),
  );
  if (codes.length === 0) return 0;
  return codes.every((code) => code === "E_HOST_UNREACHABLE") ? 69 : 78;
}

const examples = `
doctor runs the same checks as pulumi preview, over one ssh connection per host, with keys from the ssh-agent. It does not
decrypt secrets of the site file.

Examples:
  $ sealift doctor prod                           a table, followed by every finding and its fix
  $ sealift doctor prod --rehash                  hash every installed file again
  $ sealift doctor prod --json | jq '.hosts[] | select(.reached | not).name'
  $ sealift doctor prod || mail -s "prod" ops     exit code 0: no check fails`;

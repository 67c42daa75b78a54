/** `sealift doctor <env>`: what is right and what is wrong on every host, without Pulumi and without changing anything. */
import { Command } from "commander";
import { SealiftError } from "../modules/core/errors.ts";
import type { Diagnosis } from "../modules/diagnosis.ts";
import { exitCode } from "./exit-code.ts";
import { paint } from "./paint.ts";
import { progressLine } from "./progress.ts";
import { printJsonText, printPainted } from "./print.ts";

interface Flags {
  readonly json?: true;
  readonly deep?: true;
}

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("looks at the operator's machine, the bundle and all hosts, and changes nothing")
    .argument("<env>", "the environment: stacks/<env>.site.yaml")
    .option("--json", "print everything that was seen as JSON")
    .option("--deep", "hash every installed byte again, whatever an earlier look has noted")
    .addHelpText("after", examples)
    .action(async (environment: string, flags: Flags) => {
      // Phases load Pulumi, which takes longer than most other commands need in all.
      const { diagnose } = await import("../modules/doctor.ts");
      const { doctorText } = await import("./doctor-text.ts");
      const progress = progressLine();
      const work = diagnose(environment, { deep: flags.deep === true, report: progress.report });
      try {
        const diagnosis = await work.finally(progress.end);
        const width = process.stdout.isTTY ? process.stdout.columns : 100;
        if (flags.json === true) printJsonText(diagnosis);
        else printPainted(doctorText(diagnosis, { width, paint }));
        process.exitCode = doctorExitCode(diagnosis);
      } catch (error) {
        if (flags.json !== true || !(error instanceof SealiftError)) throw error;
        printJsonText({ ok: false, environment, problems: error.problems });
        process.exitCode = exitCode(error);
      }
    });
}

/** Operator's machine and bundle come first, then what a host shows, then the host that shows nothing. */
export function doctorExitCode({ problems, hosts }: Diagnosis): number {
  if (problems.length > 0) return exitCode(new SealiftError(problems));
  const codes = hosts.flatMap(({ findings }) =>
    findings.flatMap(({ verdict, code }) => (verdict === "fail" ? [code] : [])),
  );
  if (codes.length === 0) return 0;
  return codes.every((code) => code === "E_HOST_UNREACHABLE") ? 69 : 78;
}

const examples = `
It looks as pulumi preview does: the same checks over one ssh connection a host, with keys of the ssh-agent. A secret of
the site file stays closed.

Examples:
  $ sealift doctor prod                           a table, and below it every finding with what to do
  $ sealift doctor prod --deep                    every installed byte is hashed again
  $ sealift doctor prod --json | jq '.hosts[] | select(.reached | not).name'
  $ sealift doctor prod || mail -s "prod" ops     exit code 0: all checks pass, or warn at most`;

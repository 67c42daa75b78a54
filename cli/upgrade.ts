/** `sealift upgrade <package>`: what another version of Sealift would change for this repository. Changes nothing. */
import { Command } from "commander";
import { SealiftError } from "../modules/core/errors.ts";
import { exitCode } from "./output/exit-code.ts";
import { jsonProblem } from "./output/json-problem.ts";
import { printJson } from "./output/or-json.ts";
import { printPainted } from "./output/print.ts";
import type { ToolkitUpgrade } from "../modules/rollout/compare-toolkits.ts";

interface Compared {
  readonly upgrade: ToolkitUpgrade;
  /** Commands for the operator, in their order. */
  readonly next: readonly string[];
}

export function upgradeCommand(): Command {
  return new Command("upgrade")
    .description(
      "Show what another version of Sealift changes for this repository: keys, codes, requirements, plans",
    )
    .argument("<package>", "the other version: sealift-<version>.tgz, or a folder in which it is installed")
    .argument("[env...]", "environments: stacks/<env>.site.yaml (default: all except the examples)")
    .option("--json", "print the result as JSON")
    .addHelpText("after", examples)
    .action(async (named: string, environments: readonly string[], flags: { readonly json?: true }) => {
      const work = async (): Promise<Compared> => {
        const compared = await compare(named, environments);
        process.exitCode = codeOf(compared.upgrade);
        return compared;
      };
      if (flags.json === true)
        await printJson(async () => {
          const { upgrade, next } = await work();
          const environments = upgrade.environments.map((one) => ({
            ...one,
            problems: one.problems.map(jsonProblem),
            current: one.current.map(jsonProblem),
          }));
          return { ...upgrade, environments, next };
        });
      else {
        const { upgradeText } = await import("./upgrade/upgrade-text.ts");
        const { upgrade, next } = await work();
        printPainted(upgradeText(upgrade, next));
      }
    });
}

async function compare(named: string, environments: readonly string[]): Promise<Compared> {
  // The rules of a site take longer to load than most other commands take in total.
  const [{ installedToolkit, namedToolkit }, { runPlan }, { compareToolkits }, { nextCommands }] =
    await Promise.all([
      import("./upgrade/open-toolkit.ts"),
      import("./upgrade/run-plan.ts"),
      import("../modules/rollout/compare-toolkits.ts"),
      import("./upgrade/next-commands.ts"),
    ]);
  const installed = await installedToolkit();
  const other = await namedToolkit(named, installed);
  try {
    const { version } = other.manifest;
    if (version === installed.manifest.version) throw sameVersion(named, version);
    const current = await runPlan(installed, environments);
    const upgrade = compareToolkits(current, await runPlan(other, environments));
    return { upgrade, next: nextCommands(named, upgrade) };
  } finally {
    await other.close();
  }
}

/** A problem of the current version comes first: what it cannot plan is not compared. */
function codeOf({ environments, changes }: ToolkitUpgrade): number {
  const problems = environments.flatMap(({ current }) => current);
  if (problems.length > 0) return exitCode(new SealiftError(problems));
  return changes ? 79 : 0;
}

function sameVersion(where: string, version: string): SealiftError {
  return new SealiftError([
    {
      where,
      code: "E_TOOLKIT_VERSION",
      subject: "sealift",
      found: `${version}, the installed version`,
      expected: "another version",
      fix: "name the package of another version",
    },
  ]);
}

const examples = `
Both versions plan every environment with their own code, without contacting any host. The code of <package> runs on this machine: compare
its sha256 with SHA256SUMS first. A tarball is unpacked into a temporary folder, and none of its install scripts run. The repository does not change.
An older version is compared as well, and reported as a downgrade.

Examples:
  $ sealift upgrade /media/carry/sealift-0.2.0.tgz
  $ sealift upgrade /media/carry/sealift-0.2.0.tgz prod --json | jq '.keys[] | select(.usedBy != [])'`;

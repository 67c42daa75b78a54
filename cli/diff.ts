/** `sealift diff <env> <env>`: what a promotion from one environment to the other would change, and its cost. */
import { Command } from "commander";
import {
  type EnvironmentChange,
  type PinnedEnvironment,
  environmentChanges,
} from "../modules/environments/compare-environments.ts";
import { printWarnings } from "./bundle/policy-flags.ts";
import { columns, size } from "./output/columns.ts";
import { print } from "./output/print.ts";

export function diffCommand(): Command {
  return new Command("diff")
    .description("Show what promoting <from> to <to> would change")
    .argument("<from>", "the environment to promote from")
    .argument("<to>", "the environment to promote to")
    .option("--json", "print the result as JSON")
    .addHelpText("after", examples)
    .action(async (from: string, to: string, flags: { readonly json?: true }) => {
      const [ahead, behind] = await Promise.all([pinned(from), pinned(to)]);
      const changes = environmentChanges(ahead, behind);
      print(
        flags.json === true ? JSON.stringify(changes, undefined, 2) : text(changes, ahead.name, behind.name),
      );
    });
}

async function pinned(name: string): Promise<PinnedEnvironment> {
  // The rules of a site take longer to load than most other commands take in total.
  const { readEnvironment } = await import("../modules/environments/read-environment.ts");
  const { site, opened } = await readEnvironment(name);
  printWarnings(opened.problems);
  return { name, hosts: site.hosts, lock: opened.lock };
}

function text(changes: readonly EnvironmentChange[], from: string, to: string): string {
  if (changes.length === 0) return `no difference: ${to} runs the same versions as ${from}`;
  const rows = changes.map((change) => [
    change.team,
    change.what,
    list(change.from),
    list(change.to),
    change.licence ?? "?",
    change.bytes === undefined ? "?" : change.bytes === 0 ? "nothing" : size(change.bytes),
  ]);
  const touched = changes.flatMap(({ hosts }) => hosts.map(({ name, cost }) => [`  ${name}`, cost]));
  return [
    columns([["team", "what", to, from, "licence", "to transfer"], ...rows]),
    ...(touched.length === 0
      ? []
      : [`Hosts of ${to} whose engine version would change:\n${columns(touched)}`]),
  ].join("\n\n");
}

function list(versions: readonly string[]): string {
  return versions.length === 0 ? "-" : versions.join(", ");
}

const examples = `
To promote, change the team's version in the second environment's file. The preview of that environment shows the exact changes.

Examples:
  $ sealift diff dev staging
  $ sealift diff staging prod --json | jq '[.[].bytes] | add'`;

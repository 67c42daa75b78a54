/** `sealift diff <env> <env>`: what one environment runs that another does not, and what taking it over costs. */
import { Command } from "commander";
import { type Change, type Pinned, promotion } from "../modules/promotion.ts";
import { tellWarnings } from "./bundle/policy-flags.ts";
import { columns, size } from "./columns.ts";
import { print } from "./print.ts";

export function diffCommand(): Command {
  return new Command("diff")
    .description("says what the second environment would change if it took over what the first one runs")
    .argument("<from>", "the environment that is ahead")
    .argument("<to>", "the environment that would follow")
    .option("--json", "print the result as JSON")
    .addHelpText("after", examples)
    .action(async (from: string, to: string, flags: { readonly json?: true }) => {
      const [ahead, behind] = await Promise.all([pinned(from), pinned(to)]);
      const changes = promotion(ahead, behind);
      print(
        flags.json === true ? JSON.stringify(changes, undefined, 2) : text(changes, ahead.name, behind.name),
      );
    });
}

async function pinned(name: string): Promise<Pinned> {
  // The rules of a site take longer to load than most other commands need in all.
  const { readEnvironment } = await import("../modules/read-environment.ts");
  const { site, opened } = await readEnvironment(name);
  tellWarnings(opened.problems);
  return { name, hosts: site.hosts, lock: opened.lock };
}

function text(changes: readonly Change[], from: string, to: string): string {
  if (changes.length === 0) return `${to} runs what ${from} runs: no difference`;
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
    columns([["team", "what", to, from, "licence", "to carry"], ...rows]),
    ...(touched.length === 0 ? [] : [`Hosts of ${to} that get another engine:\n${columns(touched)}`]),
  ].join("\n\n");
}

function list(versions: readonly string[]): string {
  return versions.length === 0 ? "-" : versions.join(", ");
}

const examples = `
To promote is to change one line: the team's, in the second environment's file. The preview there says exactly what it does.

Examples:
  $ sealift diff dev staging
  $ sealift diff staging prod --json | jq '[.[].bytes] | add'`;

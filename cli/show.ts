/** `sealift show <env>`: the environment as it counts, and where each value comes from. */
import { Command } from "commander";
import type { ShownHost, ShownValue } from "../modules/site-view.ts";
import { tellWarnings } from "./bundle/policy-flags.ts";
import { columns } from "./columns.ts";
import { print } from "./print.ts";

interface Flags {
  readonly origin?: true;
  readonly host?: string;
  readonly json?: true;
}

export function showCommand(): Command {
  return new Command("show")
    .description("prints every value that counts on each host, after the shared file, classes and teams")
    .argument("<env>", "the environment: stacks/<env>.site.yaml")
    .option("--origin", "say beside each value where it was written")
    .option("--host <name>", "only this host")
    .option("--json", "print it as JSON, origins included")
    .addHelpText("after", examples)
    .action(async (environment: string, flags: Flags) => {
      // The rules of a site take longer to load than most other commands need in all.
      const { viewSite } = await import("../modules/site-view.ts");
      const view = await viewSite(environment);
      tellWarnings(view.warnings);
      const hosts = view.hosts.filter(({ name }) => flags.host === undefined || name === flags.host);
      print(
        flags.json === true
          ? JSON.stringify(hosts, undefined, 2)
          : hosts.map((host) => hostText(host, flags.origin === true)).join("\n\n"),
      );
    });
}

function hostText({ name, values }: ShownHost, origin: boolean): string {
  const rows = values.map((one) => [`  ${one.key}`, short(one.value), ...(origin ? [originText(one)] : [])]);
  return `${name}\n${columns(rows)}`;
}

function originText({ where, what }: ShownValue): string {
  return where === undefined ? what : `${where} (${what})`;
}

/** One line; what is longer is whole in --json. */
function short(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > widest ? `${text.slice(0, widest - 3)}...` : text;
}

const widest = 60;

const examples = `
The more specific word wins: the host's, then its team's, its class's, the class's that this one extends, and the site's. At
each of these the environment's own file goes over the shared one, key by key.

Examples:
  $ sealift show prod --origin                    every value with file, line and column
  $ sealift show prod --host node-a --origin | grep engine`;

/** `sealift show <env>`: the effective config of an environment, and where each value is set. */
import { Command } from "commander";
import type { ShownHost, ShownValue } from "../modules/environments/effective-config.ts";
import { printWarnings } from "./bundle/policy-flags.ts";
import { columns } from "./output/columns.ts";
import { print } from "./output/print.ts";

interface Flags {
  readonly origin?: true;
  readonly host?: string;
  readonly json?: true;
}

export function showCommand(): Command {
  return new Command("show")
    .description(
      "Print the effective configuration of each host, after the shared file, classes and teams are applied",
    )
    .argument("<env>", "the environment: stacks/<env>.site.yaml")
    .option("--origin", "print where each value is set")
    .option("--host <name>", "only this host")
    .option("--json", "print as JSON, origins included")
    .addHelpText("after", examples)
    .action(async (environment: string, flags: Flags) => {
      // The rules of a site take longer to load than most other commands take in total.
      const { effectiveConfig: viewSite } = await import("../modules/environments/effective-config.ts");
      const view = await viewSite(environment);
      printWarnings(view.warnings);
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

/** One line; longer values are complete in --json. */
function short(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > widest ? `${text.slice(0, widest - 3)}...` : text;
}

const widest = 60;

const examples = `
Order of precedence, highest first: host, team, class, extended class, site. At each level the environment's own file overrides the
shared file, key by key.

Examples:
  $ sealift show prod --origin                    print file, line and column of every value
  $ sealift show prod --host node-a --origin | grep engine`;

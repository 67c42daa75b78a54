import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, readSync, renameSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Report } from "../../support/process/stages.ts";
import { installStandIn } from "../command-plugin/install.ts";
import { checkout } from "../cache.ts";
import { SealiftError } from "../../../modules/core/errors.ts";
import { haveTool } from "./have-tool.ts";
import { pulumiHome } from "./places.ts";
import { commandPlugin } from "./tools.ts";

export interface CommandPlugin {
  readonly kind: "official" | "stand-in";
  readonly path: string;
  readonly origin: string;
}

/**
 * Installs the provider of @pulumi/command into the lab's PULUMI_HOME: the official one that a person has already, the
 * official archive, and only where neither can be had the lab's stand-in.
 *
 * @throws {E_DOWNLOAD_SHA256}
 */
export async function haveCommandPlugin(report: Report): Promise<CommandPlugin> {
  const own = personsPlugin();
  if (own !== undefined) return install(own, "from the PULUMI_HOME of this user");
  try {
    const installed = await haveTool(commandPlugin, report);
    return install(join(installed.folder, program), installed.origin);
  } catch (error) {
    if (!(error instanceof SealiftError) || error.problems.some(({ code }) => code !== "E_TOOL")) throw error;
  }
  report("installs the stand-in for the command plugin");
  await installStandIn(pulumiHome, join(checkout, "node_modules", ".bin", "node"));
  const origin = "the official plugin cannot be had from here; the lab's own stand-in takes its place";
  return { kind: "stand-in", path: pluginIn(pulumiHome), origin };
}

const program = "pulumi-resource-command";

function pluginIn(home: string): string {
  return join(home, "plugins", `resource-command-v${commandPlugin.version}`, program);
}

function personsPlugin(): string | undefined {
  const homes = [process.env["PULUMI_HOME"], join(homedir(), ".pulumi")];
  return homes
    .flatMap((home) => (home === undefined || home === "" || home === pulumiHome ? [] : [pluginIn(home)]))
    .find((path) => existsSync(path) && isElf(path));
}

/** The official plugin is a compiled program; a script is somebody's stand-in. */
function isElf(path: string): boolean {
  const file = openSync(path, "r");
  try {
    const start = Buffer.alloc(4);
    readSync(file, start, 0, 4, 0);
    return start.toString("latin1") === "\x7fELF";
  } finally {
    closeSync(file);
  }
}

function install(source: string, origin: string): CommandPlugin {
  const path = pluginIn(pulumiHome);
  mkdirSync(join(path, ".."), { recursive: true });
  copyFileSync(source, `${path}.part`);
  renameSync(`${path}.part`, path);
  return { kind: "official", path, origin };
}

import { join } from "node:path";
import type { Report } from "../../support/process/stages.ts";
import { withLock } from "../lock.ts";
import { type CommandPlugin, haveCommandPlugin } from "./have-command-plugin.ts";
import { type InstalledTool, haveTool, linkPrograms } from "./have-tool.ts";
import { binDir, pulumiHome } from "./places.ts";
import { tools } from "./tools.ts";

export interface Tools {
  /** First in PATH: pulumi, its language host, oras, registry, age, age-keygen, restic and rest-server. */
  readonly binDir: string;
  readonly pulumi: string;
  readonly oras: string;
  /** CNCF Distribution's server. */
  readonly registry: string;
  readonly pulumiHome: string;
  readonly commandPlugin: CommandPlugin;
  /** What to report about each: name, version and where it came from. */
  readonly installed: readonly InstalledTool[];
}

/**
 * Has all tools of the lab at their pinned versions; quick when they are there. One run at a time gets them, the others wait.
 *
 * @throws {E_TOOL} when one cannot be had in any way.
 * @throws {E_DOWNLOAD_SHA256} when a downloaded file is not the pinned one.
 */
export async function ensureTools(report: Report = () => undefined): Promise<Tools> {
  const waiting = (): void => {
    report("waits for another run that gets the tools");
  };
  return withLock("tools", waiting, () => getTools(report));
}

/** The same, and this process finds them: the bundle's code asks for oras as it does on a person's machine. */
export async function useTools(report?: Report): Promise<Tools> {
  const installed = await ensureTools(report);
  process.env["PATH"] = `${installed.binDir}:${process.env["PATH"] ?? ""}`;
  return installed;
}

async function getTools(report: Report): Promise<Tools> {
  const installed: InstalledTool[] = [];
  for (const tool of tools) {
    const one = await haveTool(tool, report);
    linkPrograms(tool, one);
    installed.push(one);
  }
  const commandPlugin = await haveCommandPlugin(report);
  return {
    binDir,
    pulumi: join(binDir, "pulumi"),
    oras: join(binDir, "oras"),
    registry: join(binDir, "registry"),
    pulumiHome,
    commandPlugin,
    installed,
  };
}

import { join } from "node:path";
import type { Report } from "../../support/process/stages.ts";
import { withLock } from "../lock.ts";
import { haveTool, linkPrograms } from "./have-tool.ts";
import { composePlugin } from "./tools.ts";

export interface Compose {
  readonly version: string;
  /** Absolute path of the plugin, which also runs by itself: `docker-compose config`. */
  readonly program: string;
}

/**
 * Has the Compose plugin at its pinned version, and links it as `docker-compose` into the lab's PATH.
 *
 * @throws {E_TOOL} when it cannot be had in any way.
 */
export async function haveCompose(report: Report = () => undefined): Promise<Compose> {
  const waiting = (): void => {
    report("waits for another run that gets the tools");
  };
  return withLock("tools", waiting, async () => {
    const installed = await haveTool(composePlugin, report);
    linkPrograms(composePlugin, installed);
    return { version: installed.version, program: join(installed.folder, "docker-compose") };
  });
}

/** Everything that a run in the lab needs before its first machine, from nothing: packages, tools, bundle, image. */
import { runStages, type StageTime } from "../support/process/stages.ts";
import { ensureLabBundle, type LabBundle } from "./bundle/bundle.ts";
import type { EngineChoice } from "./bundle/engine.ts";
import { ensureImage } from "./vm/image.ts";
import { ensurePackages } from "./packages/packages.ts";
import { useTools, type Tools } from "./tools/ensure-tools.ts";

export interface Lab {
  readonly tools: Tools;
  readonly bundle: LabBundle;
  readonly times: readonly StageTime[];
}

/**
 * Quick when all is there.
 *
 * @param engines one (default): the engine that most tests run. all: for those about versions. apps: for those about applications.
 * @throws {SealiftError} in one line each, what is missing and what to do.
 */
export async function prepareLab(engines: EngineChoice = "one"): Promise<Lab> {
  await ensurePackages();
  let tools: Tools | undefined;
  let bundle: LabBundle | undefined;
  const times = await runStages([
    {
      title: "the tools are installed: pulumi, its language host, oras, registry, the command plugin",
      run: async (report) => {
        tools = await useTools(report);
        return tools.installed.map(({ name, version, origin }) => `${name} ${version} ${origin}`).join(", ");
      },
    },
    {
      title: "the lab's bundle is built, signed and verified",
      run: async (report) => {
        bundle = await ensureLabBundle(engines, report);
        return bundle.engines.map(({ version, origin }) => `engine ${version} ${origin}`).join(", ");
      },
    },
    {
      title: "the machine image is built",
      run: async (report) => (await ensureImage(report)).title,
    },
  ]);
  if (tools === undefined || bundle === undefined) throw new Error("a stage ended without its result");
  return { tools, bundle, times };
}

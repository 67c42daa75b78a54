/** A process of its own that makes what many tests use: node test/runner/prepare.ts tools | bundle | image | container | vm */
import { formatProblem, SealiftError } from "../../modules/core/errors.ts";
import { checkMachine } from "../lab/container/check-machine.ts";
import { ensureLabBundle } from "../lab/bundle/bundle.ts";
import { ensureBaseVm } from "../lab/vm/base-vm.ts";
import { ensureImage } from "../lab/vm/image.ts";
import { ensureTools, useTools } from "../lab/tools/ensure-tools.ts";
import { runStages } from "../support/process/stages.ts";
import type { Preparation } from "./parts.ts";

const [what] = process.argv.slice(2);

try {
  await prepare(what as Preparation);
} catch (error) {
  console.error(error instanceof SealiftError ? error.problems.map(formatProblem).join("\n") : error);
  process.exitCode = 1;
}

async function prepare(preparation: Preparation): Promise<void> {
  switch (preparation) {
    case "tools":
      await runStages([
        {
          title: "the tools are installed: pulumi, its language host, oras, registry, the command plugin",
          run: async (report) => {
            const { installed } = await ensureTools(report);
            return installed.map(({ name, version, origin }) => `${name} ${version} ${origin}`).join(", ");
          },
        },
      ]);
      return;
    case "bundle":
      await useTools();
      await runStages([
        {
          title: "the lab's bundle is built, signed and verified",
          run: async (report) => {
            const { engines } = await ensureLabBundle("all", report);
            return engines.map(({ version, origin }) => `engine ${version} ${origin}`).join(", ");
          },
        },
      ]);
      return;
    case "image":
      await runStages([
        {
          title: "the machine image is built",
          run: async (report) => (await ensureImage(report)).title,
        },
      ]);
      return;
    case "container":
      await checkMachine();
      return;
    case "vm":
      await runStages([
        {
          title: "an isolated virtual machine has booted once",
          run: async (report) => {
            const { image, accelerator } = await ensureBaseVm(report);
            return `${image.title}, ${accelerator.name}`;
          },
        },
      ]);
  }
}

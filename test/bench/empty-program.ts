/** What no Pulumi program can be quicker than: one that says nothing, run by the same CLI in the same way. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cachePath } from "../lab/cache.ts";
import { measured, type Run } from "./measured.ts";

const name = "bench-empty";
/** Inside the checkout, so that it finds the same @pulumi/pulumi. */
const folder = cachePath("bench", "empty");

export interface EmptyProgram {
  /** `pulumi up` with nothing to do. */
  readonly up: () => Promise<Run>;
  readonly end: () => Promise<void>;
}

/**
 * Writes the program, makes its stack and brings it up once.
 *
 * @param env of the lab's Pulumi.
 */
export async function emptyProgram(env: Readonly<Record<string, string>>): Promise<EmptyProgram> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, "Pulumi.yaml"),
    `name: ${name}\nruntime:\n  name: nodejs\n  options:\n    typescript: false\n`,
  );
  await writeFile(join(folder, "package.json"), `{ "name": "${name}", "main": "index.cjs" }\n`);
  await writeFile(join(folder, "index.cjs"), 'require("@pulumi/pulumi");\n');
  const pulumi = (...words: readonly string[]): Promise<Run> =>
    measured({
      program: "env",
      args: [
        "-u",
        "NODE_COMPILE_CACHE",
        "-u",
        "PULUMI_CONFIG_PASSPHRASE",
        "pulumi",
        ...words,
        "--stack",
        name,
      ],
      env,
      cwd: folder,
    });
  const remove = (): Promise<Run> => pulumi("stack", "rm", "--yes", "--force");
  await remove().catch(() => undefined);
  await pulumi("stack", "init");
  const up = (): Promise<Run> => pulumi("up", "--yes", "--skip-preview", "--non-interactive");
  await up();
  return {
    up,
    end: async () => {
      await remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A Pulumi project in a folder of its own that imports Sealift, as a team's repository does. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { cachePath, checkout } from "../../lab/cache.ts";
import { freshStack, pulumi, type PulumiRun } from "../../lab/pulumi/pulumi.ts";

export interface ProgramProject {
  readonly folder: string;
  /** Writes index.ts. */
  readonly write: (program: string) => void;
  /** `pulumi <args> --stack <the project's>` in it. */
  readonly pulumi: (verb: string, ...args: readonly string[]) => Promise<PulumiRun>;
  readonly end: () => Promise<void>;
}

/**
 * @param env of the lab's Pulumi. In a program `@sealift@` stands for the path of the entry file, and `@checkout@` for that of the checkout, both
 * relative to the project.
 */
export async function startProgramProject(
  name: string,
  env: Readonly<Record<string, string>>,
): Promise<ProgramProject> {
  mkdirSync(cachePath("test"), { recursive: true });
  const folder = mkdtempSync(cachePath("test", "program-"));
  const stack = `lab-${name}`;
  const options = "  name: nodejs\n  options: { typescript: false }\n";
  writeFileSync(join(folder, "Pulumi.yaml"), `name: ${name}\nmain: .\nruntime:\n${options}`);
  writeFileSync(
    join(folder, "package.json"),
    `${JSON.stringify({ name, type: "module", main: "index.ts" })}\n`,
  );
  const root = relative(folder, checkout);
  await freshStack(stack, env, folder);
  return {
    folder,
    write: (program) => {
      const text = program
        .replaceAll("@sealift@", `${root}/modules/sealift.ts`)
        .replaceAll("@checkout@", root);
      writeFileSync(join(folder, "index.ts"), text);
    },
    pulumi: (verb, ...args) => pulumi([verb, "--stack", stack, ...args], { env, folder }),
    end: async () => {
      await pulumi(["stack", "rm", "--yes", "--force", stack], { env, folder });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The other tool that packs host files and images: built as a tool of the go.mod in zarf/, which fixes every byte of it. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { cachePath, checkout } from "../lab/cache.ts";
import { withLock } from "../lab/lock.ts";
import { goBuild } from "../lab/tools/go-build.ts";
import type { GoModule } from "../lab/tools/tools.ts";
import type { Report } from "../support/stages.ts";

export const zarfVersion = "v0.84.0";

const module: GoModule = {
  folder: "zarf",
  below: join("test", "bench"),
  package: "github.com/zarf-dev/zarf",
  // As its own Makefile builds it, without the versions of the tools inside it that are not run here.
  flags: ["-ldflags", `-s -w -X github.com/zarf-dev/zarf/src/config.CLIVersion=${zarfVersion}`],
  program: "zarf",
};

/**
 * Path of the program; built once, in some minutes, and kept under a name made of its recipe.
 *
 * @throws {E_TOOL} when Go is missing or the build fails.
 */
export async function haveZarf(report: Report): Promise<string> {
  const sums = await readFile(join(checkout, "test", "bench", "zarf", "go.sum"));
  const recipe = createHash("sha256").update(JSON.stringify(module)).update(sums).digest("hex");
  const folder = cachePath("tools", `zarf-${zarfVersion}-${recipe.slice(0, 8)}`);
  const program = join(folder, module.program);
  if (existsSync(program)) return program;
  const waiting = (): void => {
    report("waits for another run that gets the tools");
  };
  // The tools' own lock: two builds at once would only slow each other down.
  await withLock("tools", waiting, async () => {
    if (existsSync(program)) return;
    const part = `${folder}.part`;
    await rm(part, { recursive: true, force: true });
    await mkdir(part, { recursive: true });
    await goBuild(module, part, report);
    await rename(part, folder);
  });
  return program;
}

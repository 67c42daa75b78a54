import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Report } from "../../support/process/stages.ts";
import { cachePath } from "../cache.ts";
import { withLock } from "../lock.ts";
import { goBuild, sourceOf } from "./go-build.ts";
import type { GoModule } from "./tools.ts";

/**
 * A program that only some tests and benchmarks want: built from its Go module at its first use, and kept under a name made of its
 * recipe.
 *
 * @returns its path.
 * @throws {E_TOOL} when Go is missing or the build fails.
 */
export async function builtProgram(module: GoModule, report: Report = () => undefined): Promise<string> {
  const source = sourceOf(module);
  const recipe = createHash("sha256").update(JSON.stringify(module));
  for (const name of (await readdir(source)).toSorted())
    if (/^go\.sum$|\.go$/.test(name)) recipe.update(await readFile(join(source, name)));
  const folder = cachePath("tools", `${module.program}-${recipe.digest("hex").slice(0, 8)}`);
  await builtOnce(folder, report, (part) => goBuild(module, part, report));
  return join(folder, module.program);
}

/** Fills a folder that is not there yet: it appears whole or not at all. */
export async function builtOnce(
  folder: string,
  report: Report,
  build: (part: string) => Promise<void>,
): Promise<void> {
  if (existsSync(folder)) return;
  const waiting = (): void => {
    report("waits for another run that gets the tools");
  };
  // The tools' own lock: two builds at once would only slow each other down.
  await withLock("tools", waiting, async () => {
    if (existsSync(folder)) return;
    const part = `${folder}.part`;
    await rm(part, { recursive: true, force: true });
    await mkdir(part, { recursive: true });
    await build(part);
    await rename(part, folder);
  });
}

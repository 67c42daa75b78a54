import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { isUnreachable } from "../../../offline-bundle/http/download-problem.ts";
import { runProcess } from "../../support/process/run-process.ts";
import type { Report } from "../../support/process/stages.ts";
import { cachePath } from "../cache.ts";
import { findProgram } from "../packages/find-program.ts";
import { fromArchive } from "./archive.ts";
import { goBuild } from "./go-build.ts";
import { binDir } from "./places.ts";
import { toolProblem } from "./tool-problem.ts";
import type { GoModule, Tool } from "./tools.ts";

export interface InstalledTool {
  readonly name: string;
  readonly version: string;
  /** Where the programs lie. */
  readonly folder: string;
  /** "from PATH", "official archive, pinned sha256", "built from its Go module". */
  readonly origin: string;
}

/**
 * Has a tool in the first of these ways that works: in the cache already, in PATH at this very version, its official
 * archive, its tagged Go module.
 *
 * @throws {E_TOOL} when none does.
 * @throws {E_DOWNLOAD_SHA256} when an archive is not the pinned one: then no other way is tried.
 */
export async function haveTool(tool: Tool, report: Report): Promise<InstalledTool> {
  const { name, version } = tool;
  const folder = folderOf(tool);
  const origin = join(folder, "origin");
  if (existsSync(origin)) return { name, version, folder, origin: readFileSync(origin, "utf8").trim() };
  const inPath = await findInPath(tool);
  if (inPath !== undefined) return { name, version, folder: inPath, origin: "from PATH" };
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  const reported = await make(tool, part, report);
  writeFileSync(join(part, "origin"), `${reported}\n`);
  renameSync(part, folder);
  return { name, version, folder, origin: reported };
}

/** Puts the programs into the lab's PATH under their plain names. */
export function linkPrograms(tool: Tool, installed: InstalledTool): void {
  mkdirSync(binDir, { recursive: true });
  for (const program of tool.programs) {
    rmSync(join(binDir, program), { force: true });
    symlinkSync(join(installed.folder, program), join(binDir, program));
  }
}

async function make(tool: Tool, folder: string, report: Report): Promise<string> {
  const { archives } = tool;
  if (archives !== undefined) {
    try {
      return await fromArchive({ ...tool, archives }, folder, report);
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      if (tool.modules.length === 0) throw noWay(tool, error.message);
    }
  }
  for (const module of tool.modules) {
    await goBuild(module, folder, report);
    if (module.startedBy !== undefined) putBefore(module, module.startedBy, folder);
  }
  return "built from its Go module";
}

/** The script under the program's name, and the program beside it with `.go` added. */
function putBefore({ folder: source, program }: GoModule, script: string, folder: string): void {
  const path = join(folder, program);
  renameSync(path, `${path}.go`);
  copyFileSync(join(import.meta.dirname, source, script), path);
  chmodSync(path, 0o755);
}

function noWay({ name, version }: Tool, reason: string): Error {
  return toolProblem(name, reason, `${name} ${version}`, "let this machine reach github.com");
}

/** One folder per recipe: another pin, flag, go.sum or file of its own is another folder. */
function folderOf(tool: Tool): string {
  const recipe = createHash("sha256").update(JSON.stringify(tool));
  for (const { folder, startedBy, ownFiles } of tool.modules)
    for (const file of ["go.sum", startedBy ?? [], ownFiles ?? []].flat())
      recipe.update(readFileSync(join(import.meta.dirname, folder, file)));
  return cachePath("tools", `${tool.name}-${tool.version}-${recipe.digest("hex").slice(0, 8)}`);
}

/** Only with all programs side by side, and only at the very version; the lab's own links do not count. */
async function findInPath(tool: Tool): Promise<string | undefined> {
  const [first = ""] = tool.programs;
  const found = tool.versionArguments.length === 0 ? undefined : findProgram(first);
  if (found === undefined || dirname(found) === binDir) return undefined;
  const folder = dirname(realpathSync(found));
  if (!tool.programs.every((program) => existsSync(join(folder, program)))) return undefined;
  const { stdout } = await runProcess(found, tool.versionArguments, {
    env: { PULUMI_SKIP_UPDATE_CHECK: "true" },
  });
  const words = stdout.split(/\s+/).map((word) => word.replace(/^v/, ""));
  return words.includes(tool.version) ? folder : undefined;
}

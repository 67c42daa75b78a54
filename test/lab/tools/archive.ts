import { copyFileSync, chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Report } from "../../support/process/stages.ts";
import { download } from "./download.ts";
import { firstUse } from "./first-use.ts";
import { type Archive, machine, type Tool } from "./tools.ts";
import { unpack } from "./unpack.ts";

/** Where releases and what is known of them are asked for. */
export interface GitHub {
  readonly web: string;
  readonly api: string;
}

export type ReleasedTool = Tool & { readonly archives: Readonly<Record<typeof machine, Archive>> };

const gitHub: GitHub = { web: "https://github.com", api: "https://api.github.com" };

/**
 * Has a tool from its official release archive, or from the program itself where that is what is released.
 *
 * @returns what the run says about it.
 * @throws {E_DOWNLOAD} when it cannot be had that way.
 * @throws {E_DOWNLOAD_SHA256} when it is not the pinned file.
 */
export async function fromArchive(
  tool: ReleasedTool,
  folder: string,
  report: Report,
  { web, api }: GitHub = gitHub,
): Promise<string> {
  const { file, sha256 } = tool.archives[machine];
  const tag = `v${tool.version}`;
  const url = `${web}/${tool.repository}/releases/download/${tag}/${file}`;
  report(`asks for ${file}`);
  const pin = sha256 ?? (await firstUse(api, tool.repository, tag, file));
  const path = await download(url, pin, report);
  report(`unpacks ${file}`);
  if (file.endsWith(".tar.gz")) await unpack(path, tool.archiveFolder, tool.programs, folder);
  else copyProgram(path, tool.programs, folder);
  const how = sha256 === undefined ? `trust on first use, sha256 ${pin}` : "pinned sha256";
  return `official archive, ${how}`;
}

function copyProgram(file: string, [program = ""]: readonly string[], folder: string): void {
  mkdirSync(folder, { recursive: true });
  copyFileSync(file, join(folder, program));
  chmodSync(join(folder, program), 0o755);
}

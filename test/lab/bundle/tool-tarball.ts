/** Tools of the lab in the shape of their releases, for hosts: gzipped tars. ensureTools has the programs. */
import { createWriteStream } from "node:fs";
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { digestOf } from "../../../offline-bundle/io/digest.ts";
import { writeTgz } from "../../support/fixtures/tgz.ts";
import { binDir } from "../tools/places.ts";
import { tools } from "../tools/tools.ts";

const licences = {
  registry: "Apache-2.0",
  age: "BSD-3-Clause",
  restic: "BSD-2-Clause",
  "rest-server": "BSD-2-Clause",
} as const;
export type PackedTool = keyof typeof licences;

export interface ToolTarball {
  readonly name: PackedTool;
  readonly version: string;
  readonly licence: string;
  readonly file: string;
}

export function toolTarball(name: PackedTool): ToolTarball {
  const version = tools.find((tool) => tool.name === name)?.version ?? "";
  return { name, version, licence: licences[name], file: `${name}-${version}.tgz` };
}

/**
 * CNCF Distribution has its program at the top, as restic has here; age and rest-server have a folder.
 *
 * @returns the folder of its programs in the archive: empty, or with a slash at its end.
 */
export async function packTool({ name }: ToolTarball, target: string): Promise<string> {
  const tool = tools.find((one) => one.name === name);
  if (tool === undefined) throw new Error(`no tool ${name}`);
  const { archiveFolder: inside, programs } = tool;
  const files = await Promise.all(
    programs.map(async (program) => {
      const file = await realpath(join(binDir, program));
      return { path: `${inside}${program}`, file, bytes: (await digestOf(file)).bytes, mode: 0o755 };
    }),
  );
  const top = inside === "" ? [] : [{ path: inside, directory: true } as const];
  await writeTgz([...top, ...files], createWriteStream(target));
  return inside;
}

/** CNCF Distribution in the shape of its release: a gzipped tar with the program at its top. */
import { createWriteStream } from "node:fs";
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { digestOf } from "../../../offline-bundle/io/digest.ts";
import { writeTgz } from "../../support/fixtures/tgz.ts";
import { binDir } from "../tools/places.ts";
import { tools } from "../tools/tools.ts";

export const registryVersion = tools.find(({ name }) => name === "registry")?.version ?? "";
export const registryFile = `registry-${registryVersion}.tgz`;

/** The lab's own program, which has to be there: ensureTools has it. */
export async function packRegistry(target: string): Promise<void> {
  const file = await realpath(join(binDir, "registry"));
  const { bytes } = await digestOf(file);
  await writeTgz([{ path: "registry", file, bytes, mode: 0o755 }], createWriteStream(target));
}

/** The names in an allowed signers file, for messages. Who counts, ssh-keygen decides. */
import { readFile } from "node:fs/promises";

/** The first name of every line, each once, in the order of the file. */
export async function principalsOf(allowedSigners: string): Promise<readonly string[]> {
  const text = await readFile(allowedSigners, "utf8").catch(() => "");
  const names = text.split("\n").flatMap((line) => {
    const first = /^\s*"?([^\s",#]+)/.exec(line)?.[1];
    return first === undefined ? [] : [first];
  });
  return [...new Set(names)];
}

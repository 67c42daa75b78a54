/** A file that appears whole or not at all. */
import { randomUUID } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";

/**
 * Whoever reads the file sees the old text or the new one. What is written first has a name that nobody knows and must not be there yet:
 * somebody who can write into the folder (a file server, a USB drive with a processor of its own) could lay a link under a known name, and
 * the text would go where it leads. A link under the name itself is replaced, not followed (rename(2), open(2): O_EXCL).
 *
 * @param mode as of open(2), before the umask.
 * @throws the error of the file system; nothing stays of what was written then.
 */
export async function writeWhole(file: string, text: string | Uint8Array, mode = 0o666): Promise<void> {
  const part = `${file}.${randomUUID()}.part`;
  try {
    await writeFile(part, text, { flag: "wx", mode });
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

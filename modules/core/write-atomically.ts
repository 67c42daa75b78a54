/** Writes a file that appears whole or not at all. */
import { randomUUID } from "node:crypto";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";

/**
 * A reader of the file sees the old text or the new one. The temporary file has an unpredictable name and must not exist: an
 * attacker who can write to the folder (a file server, a USB drive with its own processor) could put a link under a known name,
 * and the text would be written to its target. A link under the final name is replaced, not followed (rename(2), open(2):
 * O_EXCL).
 *
 * @param mode as of open(2), before the umask.
 * @throws the error of the file system; then no temporary file is left.
 */
export async function writeAtomically(file: string, text: string | Uint8Array, mode = 0o666): Promise<void> {
  const part = `${file}.${randomUUID()}.part`;
  try {
    await writeFile(part, text, { flag: "wx", mode });
    await rename(part, file);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

/** The same for a caller that cannot wait, such as the constructor of a resource. */
export function writeAtomicallySync(file: string, text: string | Uint8Array): void {
  const part = `${file}.${randomUUID()}.part`;
  try {
    writeFileSync(part, text, { flag: "wx" });
    renameSync(part, file);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}

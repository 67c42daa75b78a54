/** A result that goes to the terminal or, whole or not at all, into a file. */
import { rename, writeFile } from "node:fs/promises";
import { print } from "./print.ts";

/** @param file undefined: standard output. */
export async function printOrWrite(text: string, file: string | undefined): Promise<void> {
  if (file === undefined) {
    print(text);
    return;
  }
  await writeWhole(file, `${text}\n`);
}

/** Whoever reads the file sees the old text or the new one. */
export async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}.part`, text);
  await rename(`${file}.part`, file);
}

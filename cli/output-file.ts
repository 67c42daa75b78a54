/** A result that goes to the terminal or, whole or not at all, into a file. */
import { writeWhole } from "../modules/core/write-whole.ts";
import { print } from "./print.ts";

/** @param file undefined: standard output. */
export async function printOrWrite(text: string, file: string | undefined): Promise<void> {
  if (file === undefined) {
    print(text);
    return;
  }
  await writeWhole(file, `${text}\n`);
}

/** A result that goes to the terminal or, atomically, into a file. */
import { writeAtomically } from "../../modules/core/write-atomically.ts";
import { print } from "./print.ts";

/** @param file undefined: standard output. */
export async function printOrWrite(text: string, file: string | undefined): Promise<void> {
  if (file === undefined) {
    print(text);
    return;
  }
  await writeAtomically(file, `${text}\n`);
}

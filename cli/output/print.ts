/** The only way to the terminal: untrusted names and findings can neither move the cursor, set colours, nor reverse text. */
import { visibleLines } from "../../modules/core/visible.ts";

/** A text that contains untrusted parts, on standard output. */
export function print(text: string): void {
  console.log(visibleLines(text));
}

/** The same on standard error. */
export function printError(text: string): void {
  console.error(visibleLines(text));
}

/** A value as JSON; JSON's own escapes make it safe. */
export function printJsonText(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}

/** A coloured text whose parts `paint`, `columns` and `findingsText` have already escaped. */
export function printPainted(text: string): void {
  console.log(text);
}

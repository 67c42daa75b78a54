/** The only way to the terminal: names and findings that are not ours cannot move its cursor, colour it, or turn text round. */
import { visibleLines } from "../modules/core/visible.ts";

/** A text of ours in which others' words stand, on standard output. */
export function print(text: string): void {
  console.log(visibleLines(text));
}

/** The same on standard error. */
export function printError(text: string): void {
  console.error(visibleLines(text));
}

/** A value as JSON; what is escaped in it is JSON's own escape. */
export function printJsonText(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}

/** A text with colours of ours, whose parts `paint`, `columns` and `findingsText` have escaped already. */
export function printPainted(text: string): void {
  console.log(text);
}

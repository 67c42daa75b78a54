/**
 * Lines of the files that the operator wrote, for the text output of problems. A file from a bundle, a registry or a host is never among
 * them: somebody else chose its text.
 */

import { formatProblem, type Problem } from "../errors.ts";

/** The frame of a place, both numbers from 1; undefined when the text does not have it. */
export type Frame = (line: number, column: number) => string | undefined;

const frames = new Map<string, Frame>();

/** From now on problems in this file have frames. @param file as `where` of its problems shows it. */
export function offerFrames(file: string, frame: Frame): void {
  frames.set(file, frame);
}

/** The line of a problem with a mark below its column; undefined when no operator's file has it. */
export function frameOf({ where }: { readonly where: string }): string | undefined {
  const { file, line, column } = parsePlace(where);
  return line === undefined || column === undefined ? undefined : frames.get(file)?.(line, column);
}

/** A line for each problem, and its frame below it where there is one. */
export function withFrames(problems: readonly Problem[]): string {
  return problems.flatMap((problem) => [formatProblem(problem), frameOf(problem) ?? []].flat()).join("\n");
}

export interface Place {
  readonly file: string;
  /** From 1. */
  readonly line?: number;
  /** From 1, in UTF-16 code units. */
  readonly column?: number;
}

/** The parts of `file:line:column`; of anything else the whole is the file. */
export function parsePlace(where: string): Place {
  const [, file, line, column] = /^(.+):([1-9]\d*):([1-9]\d*)$/.exec(where) ?? [];
  return file === undefined ? { file: where } : { file, line: Number(line), column: Number(column) };
}

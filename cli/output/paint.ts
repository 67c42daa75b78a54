import { styleText } from "node:util";
import { visible } from "../../modules/core/visible.ts";
import type { Verdict } from "../../modules/rollout/diagnosis.ts";

export type Paint = (verdict: Verdict, text: string) => string;

/** Layout of text output. */
export interface TextOptions {
  /** Characters per line. */
  readonly width: number;
  readonly paint: Paint;
}

const colours = { pass: "green", warn: "yellow", fail: "red" } as const;

/**
 * Escapes the text first, so that only Sealift's own colours reach the terminal. No colours with NO_COLOR (no-color.org), nor
 * when the output is not a terminal.
 */
export const paint: Paint = (verdict, text) =>
  styleText(colours[verdict], visible(text), { stream: process.stdout });

import { styleText } from "node:util";
import { visible } from "../modules/core/visible.ts";
import type { Verdict } from "../modules/diagnosis.ts";

export type Paint = (verdict: Verdict, text: string) => string;

const colours = { pass: "green", warn: "yellow", fail: "red" } as const;

/** The text is escaped first: only colours of ours reach the terminal. Colours: none with NO_COLOR (no-color.org), none where the output is no terminal. */
export const paint: Paint = (verdict, text) =>
  styleText(colours[verdict], visible(text), { stream: process.stdout });

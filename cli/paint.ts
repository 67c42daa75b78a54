import { styleText } from "node:util";
import type { Verdict } from "../modules/diagnosis.ts";

export type Paint = (verdict: Verdict, text: string) => string;

const colours = { pass: "green", warn: "yellow", fail: "red" } as const;

/** Colours for a terminal: none with NO_COLOR (no-color.org), none where the output is no terminal. */
export const paint: Paint = (verdict, text) => styleText(colours[verdict], text, { stream: process.stdout });

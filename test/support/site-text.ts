/** Stack files for tests: the documented example, with one thing changed. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { SealiftError, type Problem } from "../../modules/core/errors.ts";
import { locate } from "../../modules/core/locate.ts";
import { checkSite } from "../../modules/core/site.ts";
import type { Site } from "../../modules/core/site-spec.ts";

export const exampleText = readFileSync(new URL("../../stacks/Pulumi.example.yaml", import.meta.url), "utf8");

/** The site of a stack file's text, checked as Pulumi's value of it would be. */
export function siteOf(text: string): Site {
  const file = parse(text) as { config: Record<string, unknown> };
  return checkSite(file.config["sealift:site"], locate("stack.yaml", text, ["config", "sealift:site"]));
}

/** The example with `from` replaced, which has to be in it. */
export function changed(from: string | RegExp, to: string): string {
  const text = exampleText.replace(from, to);
  if (text === exampleText) throw new Error(`the example does not hold ${String(from)}`);
  return text;
}

/** The problems that a text is refused with. */
export function problemsOf(text: string): readonly Problem[] {
  try {
    siteOf(text);
  } catch (error) {
    if (error instanceof SealiftError) return error.problems;
    throw error;
  }
  return [];
}

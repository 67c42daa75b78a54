/** Stack files for tests: the documented example in a stack's own file, with one thing changed. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { SealiftError, type Problem } from "../../modules/core/errors.ts";
import { locate } from "../../modules/core/locate.ts";
import { checkSite } from "../../modules/core/site.ts";
import type { Site } from "../../modules/core/site-spec.ts";

export const exampleText = inStack(
  readFileSync(new URL("../../stacks/example.site.yaml", import.meta.url), "utf8"),
);

/** The text of a site as it stands in a stack's own file. */
function inStack(text: string): string {
  const lines = text.split("\n");
  const from = lines.findIndex((line) => !line.startsWith("#"));
  const within = lines.slice(from).map((line) => (line === "" ? line : `    ${line}`));
  return [...lines.slice(0, from), "config:", "  sealift:site:", ...within].join("\n");
}

/** The site of a text, which is a stack's own file or a site's, checked as Pulumi's value of it would be. */
export function siteOf(text: string): Site {
  const file = parse(text) as { config?: Record<string, unknown> };
  if (file.config === undefined) return checkSite(file, locate("dev.site.yaml", text, []));
  return checkSite(file.config["sealift:site"], locate("stack.yaml", text, ["config", "sealift:site"]));
}

/** The example with `from` replaced, which has to be in it. */
export function changed(from: string | RegExp, to: string): string {
  const text = exampleText.replace(from, to);
  if (text === exampleText) throw new Error(`the example does not hold ${String(from)}`);
  return text;
}

/** The same as it stands in a site's own file. */
export function changedSite(from: string | RegExp, to: string): string {
  return changed(from, to).replace("config:\n  sealift:site:\n", "").replaceAll(/^ {4}/gm, "");
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

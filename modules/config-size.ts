/** How long a stack's configuration may be. */
import type { Problem } from "./core/errors.ts";

/**
 * Pulumi hands the whole configuration of a stack to its program in one environment variable, and Linux starts nothing with a longer
 * one; all that Pulumi then says is `argument list too long`. Sources: execve(2), MAX_ARG_STRLEN; pulumi 3.259, the language host's
 * PULUMI_CONFIG.
 */
const mostBytes = 32 * 4096;

/** Pure: E_SITE_SIZE, or nothing. @param config `config` of a stack's file. */
export function sizeProblems(config: Readonly<Record<string, unknown>>, file: string): readonly Problem[] {
  const bytes = bytesHandedOver(config);
  if (bytes <= mostBytes) return [];
  return [
    {
      where: file,
      code: "E_SITE_SIZE",
      subject: "config",
      got: `${bytes} bytes, as Pulumi hands it to the program`,
      expected: `at most ${mostBytes}: a longer environment variable cannot be had`,
      todo: "move the site to stacks/<env>.site.yaml, which Pulumi hands to nobody; docs/guide/environments.md says how",
    },
  ];
}

/**
 * With the name of the variable and the byte that ends it. `sealift:site` is called `sealift:config:site` there, and Go's JSON writes
 * three characters of HTML as six each.
 */
function bytesHandedOver(config: Readonly<Record<string, unknown>>): number {
  const values = Object.entries(config).map(([key, value]) => [key.replace(":", ":config:"), textOf(value)]);
  return Buffer.byteLength(`PULUMI_CONFIG=${goText(Object.fromEntries(values))}\0`);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : goText(value);
}

function goText(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&]/g, "\\u003c");
}

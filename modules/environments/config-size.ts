/** The maximum size of a stack's configuration. */
import type { Problem } from "../core/errors.ts";

/**
 * Pulumi passes the whole configuration of a stack to its program in one environment variable, and Linux limits its length;
 * Pulumi then reports only `argument list too long`. Sources: execve(2), MAX_ARG_STRLEN; pulumi 3.259, the language host's
 * PULUMI_CONFIG.
 */
const maxBytes = 32 * 4096;

/** Pure: E_CONFIG_TOO_LARGE, or nothing. @param config `config` of a stack's file. */
export function sizeProblems(config: Readonly<Record<string, unknown>>, file: string): readonly Problem[] {
  const bytes = bytesHandedOver(config);
  if (bytes <= maxBytes) return [];
  return [
    {
      where: file,
      code: "E_CONFIG_TOO_LARGE",
      subject: "config",
      found: `${bytes} bytes, as Pulumi passes the configuration to the program`,
      expected: `at most ${maxBytes} bytes (Linux limit for one environment variable)`,
      fix: "move the site to stacks/<env>.site.yaml, which is not part of the configuration (docs/guide/environments.md)",
    },
  ];
}

/**
 * Includes the name of the variable and its terminating byte. `sealift:site` is named `sealift:config:site` there, and Go's JSON
 * encoder writes three HTML characters as six bytes each.
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

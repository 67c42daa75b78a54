import { visible } from "../../modules/core/visible.ts";

/** Rows as aligned columns, two spaces apart: plain text for grep, whatever names it contains. */
export function columns(names: readonly (readonly string[])[]): string {
  const rows = names.map((row) => row.map(visible));
  const width = (index: number): number => Math.max(...rows.map((row) => row[index]?.length ?? 0));
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(width(index)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Bytes in human-readable form: `86.1 MB`, in powers of 1000 as on a disk's label. */
export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  return `${step === 0 ? bytes : (bytes / 1000 ** step).toFixed(1)} ${units[step] ?? ""}`;
}

/** `1 host`, `2 hosts`. */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/** The first three of several texts: a table stays readable with these. */
export function firstOf(words: readonly string[]): string {
  return words.length <= 3
    ? words.join(", ")
    : `${words.slice(0, 3).join(", ")} and ${words.length - 3} more`;
}

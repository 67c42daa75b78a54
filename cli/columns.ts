import { visible } from "../modules/core/visible.ts";

/** Rows as aligned columns, two spaces apart: plain text that can be grepped, whatever names are in it. */
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

/** Bytes for people: `86.1 MB`, in powers of 1000 as on the label of a disk. */
export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  return `${step === 0 ? bytes : (bytes / 1000 ** step).toFixed(1)} ${units[step] ?? ""}`;
}

/** `1 host`, `2 hosts`. */
export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/**
 * Rows of text in aligned columns, two spaces apart; a column whose cells all start with a digit is aligned to the right.
 * Uses no colour and no box characters, so that it can be copied, grepped and read in a log.
 */
export function table(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  const figures = widths.map((_, column) => rows.every((row) => /^\d/.test(row[column] ?? "")));
  return rows
    .map((row) =>
      widths
        .map((width, column) => align(row[column] ?? "", width, figures[column] === true))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function align(cell: string, width: number, right: boolean): string {
  return right ? cell.padStart(width) : cell.padEnd(width);
}

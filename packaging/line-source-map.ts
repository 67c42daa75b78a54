/** A source map with one position per line. Pure. */

/**
 * Stack traces show lines. Columns make a source map four times as long, and the maps as long as the program.
 *
 * @param text a source map of version 3 (ECMA-426): `mappings` has a `;` between lines, a `,` between segments, and each segment is
 * Base64 VLQ numbers, which count from those of the segment before; the first number counts from the start of the line.
 */
export function lineSourceMap(text: string): string {
  const map = JSON.parse(text) as { mappings: string };
  let state: Segment = [0, 0, 0];
  let written: Segment = [0, 0, 0];
  const lines = map.mappings.split(";").map((line) => {
    let first = "";
    for (const segment of line.split(",")) {
      const [, source, row, at] = numbersOf(segment);
      // A segment of one number has no source.
      if (source === undefined || row === undefined || at === undefined) continue;
      state = [state[0] + source, state[1] + row, state[2] + at];
      if (first !== "") continue;
      const [s, r, a] = written;
      // From the first column: the indentation may differ from that of the compiler.
      first = [0, state[0] - s, state[1] - r, state[2] - a].map(vlq).join("");
      written = state;
    }
    return first;
  });
  return JSON.stringify({ ...map, mappings: lines.join(";") });
}

/** Source, row and column of the original. */
type Segment = readonly [source: number, row: number, column: number];

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Five bits per digit, the lowest first; 32 says that more follow. The lowest bit of the number is its sign. */
function numbersOf(segment: string): number[] {
  const numbers: number[] = [];
  let shift = 0;
  let value = 0;
  for (const digit of segment) {
    const bits = digits.indexOf(digit);
    value += (bits & 31) << shift;
    shift += 5;
    if ((bits & 32) !== 0) continue;
    numbers.push((value & 1) === 1 ? -(value >> 1) : value >> 1);
    shift = 0;
    value = 0;
  }
  return numbers;
}

function vlq(number: number): string {
  let rest = number < 0 ? (-number << 1) | 1 : number << 1;
  let text = "";
  do {
    const bits = rest & 31;
    rest >>= 5;
    text += digits.charAt(rest > 0 ? bits | 32 : bits);
  } while (rest > 0);
  return text;
}

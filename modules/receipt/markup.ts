/** HTML by a tagged template: values are escaped as text, unless the same template made them. Pure. */
import { visible } from "../core/visible.ts";

/** Safe HTML; only `markup` creates it. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Piece = string | number | Markup | readonly Markup[];

/** @returns the template with each value escaped, for text and for attributes in double quotes. */
export function markup(parts: TemplateStringsArray, ...values: readonly Piece[]): Markup {
  const pieces = parts.flatMap((part, at) => [part, ...values.slice(at, at + 1).map(piece)]);
  return new Markup(pieces.join(""));
}

function piece(value: Piece): string {
  if (value instanceof Markup) return value.text;
  if (typeof value === "object") return value.map(({ text }) => text).join("\n");
  return visible(String(value)).replaceAll(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}

/** A line of a YAML file as problems show it, with a mark below one column and without any secret. Pure. */
import { isAlias, isNode, isScalar, parseDocument, type Scalar, visit } from "yaml";
import { hasBareLogin, secretKeys, secretName } from "../shown.ts";
import { visible, withoutLogins } from "../visible.ts";
import type { Frame } from "./frames.ts";

/** The line of a frame is cut to this many characters. */
const maxWidth = 100;
/** So many of them are before the column. */
const maxBefore = 60;
const mask = "***";

/** From and to, in UTF-16 code units. */
type Range = readonly [number, number];

/** The frames of a text. It is read again for its secrets, at the first frame. */
export function codeFrames(text: string): Frame {
  let parts: { readonly lines: readonly Line[]; readonly secrets: readonly Range[] } | undefined;
  return (line, column) => {
    parts ??= { lines: linesOf(text), secrets: secretRanges(text) };
    const { lines, secrets } = parts;
    const found = lines[line - 1];
    if (found === undefined || column > found.text.length + 1) return undefined;
    const hidden = [
      ...secrets
        .map(([from, to]): Range => [from - found.start, to - found.start])
        .filter(([from, to]) => to > 0 && from < found.text.length),
      ...hiddenWords(found.text),
      ...belowSecretKey(lines, line - 1),
    ];
    const { shown, before } = cut(found.text, column - 1, hidden);
    const number = `  ${line} | `;
    return `${number}${shown}\n${" ".repeat(number.length - 2)}| ${" ".repeat(before)}^`;
  };
}

interface Line {
  /** Offset in the text. */
  readonly start: number;
  readonly text: string;
}

function linesOf(text: string): readonly Line[] {
  let start = 0;
  return text.split("\n").map((text) => {
    const line = { start, text: text.replace(/\r$/, "") };
    start += text.length + 1;
    return line;
  });
}

/** `secure` is what Pulumi names an encrypted value. */
function isSecretKey(key: string): boolean {
  return key === "secure" || secretKeys.includes(key) || secretName.test(key);
}

/** Values below a secret key, with what their aliases stand for, and values with a login. */
function secretRanges(text: string): readonly Range[] {
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false });
  const ranges: Range[] = [];
  const hide = ({ range }: Scalar): void => {
    if (range) ranges.push([range[0], range[1]]);
  };
  const hideAll = (node: unknown): void => {
    if (isAlias(node)) hideAll(node.resolve(document));
    else if (isScalar(node)) hide(node);
    else if (isNode(node))
      visit(node, {
        // The keys are names of users, or Pulumi's own.
        Scalar: (key, scalar) => {
          if (key !== "key") hide(scalar);
        },
        Alias: (_key, alias) => {
          const target = alias.resolve(document);
          if (isScalar(target)) hide(target);
        },
      });
  };
  visit(document, {
    Pair: (_key, { key, value }) => {
      if (isScalar(key) && isSecretKey(String(key.value))) hideAll(value);
    },
    Scalar: (_key, scalar) => {
      const { value } = scalar;
      if (typeof value === "string" && (hasBareLogin(value) || withoutLogins(value) !== value)) hide(scalar);
    },
  });
  return ranges;
}

/** A key or variable that may have a secret, on a line of a text that need not be YAML. */
const keyOnLine = /(?:^|[\s,{[])["']?([\w.-]+)["']?\s*[:=]/g;

/** Words with a login, hashes of crypt(5), and everything behind a secret key. */
function hiddenWords(line: string): readonly Range[] {
  const words = [...line.matchAll(/[^\s"<>]+/g)].filter(
    ([word]) => withoutLogins(word) !== word || hasBareLogin(word) || /\$[\w-]{1,8}\$/.test(word),
  );
  return [
    ...words.map(({ index, 0: word }): Range => [index, index + word.length]),
    ...[...line.matchAll(keyOnLine)]
      .filter(([, key = ""]) => isSecretKey(key))
      .map(({ index, 0: key }): Range => [index + key.length, line.length]),
  ];
}

/**
 * The value on a line that continues a secret: a parent, by indentation, or the end of the line before it is a secret key. In a text with
 * syntax errors nothing else is known.
 */
function belowSecretKey(lines: readonly Line[], at: number): readonly Range[] {
  const line = lines[at]?.text ?? "";
  const [name = ""] = /^\s*[\w.-]+:(?=\s)/.exec(line) ?? [];
  let indent = indentOf(line);
  let next = true;
  for (let above = at - 1; above >= 0 && (indent > 0 || next); above--) {
    const { text = "" } = lines[above] ?? {};
    if (text.trim() === "") continue;
    const secrets = [...text.matchAll(keyOnLine)].filter(([, key = ""]) => isSecretKey(key));
    const isParent = indentOf(text) < indent;
    if (isParent && secrets.length > 0) return [[name.length, line.length]];
    if (next && secrets.some(({ index, 0: key }) => index + key.length === text.trimEnd().length))
      return [[0, line.length]];
    if (isParent) indent = indentOf(text);
    next = false;
  }
  return [];
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

/** @returns the line as shown, and how many characters of it are before the column. */
function cut(line: string, column: number, hidden: readonly Range[]): { shown: string; before: number } {
  const first = Math.max(0, column - maxBefore);
  let shown = first > 0 ? "…" : "";
  let before = shown.length;
  let masked = false;
  for (let at = first; at < line.length;) {
    if (at <= column) before = shown.length;
    const character = String.fromCodePoint(line.codePointAt(at) ?? 0);
    const isHidden = hidden.some(([from, to]) => at >= from && at < to) && character.trim() !== "";
    const text = isHidden ? (masked ? "" : mask) : visible(character);
    if (character.trim() !== "") masked = isHidden;
    if (shown.length + text.length > maxWidth) return { shown: `${shown}…`, before };
    shown += text;
    at += character.length;
  }
  return { shown: shown.trimEnd(), before: column >= line.length ? shown.length : before };
}

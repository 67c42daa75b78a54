/** From a path in a YAML document to `file:line:column`. */
import { isMap, isNode, isPair, LineCounter, parseDocument, type Document } from "yaml";
import { codeFrames } from "./code-frame.ts";
import { offerFrames } from "./frames.ts";

export type Path = readonly (string | number)[];
/** The location of a value, or of a key when `key` is set. */
export type Locate = (path: Path, key?: string) => string;

/** The same for a file that the operator wrote: its problems have frames. */
export function operatorPlaces(file: string, text: string, root: Path): Locate {
  offerFrames(file, codeFrames(text));
  return locate(file, text, root);
}

/** Locates values of one text below `root`; a value that is not in it gets only the file's name. */
export function locate(file: string, text: string, root: Path): Locate {
  const lines = new LineCounter();
  // Syntax errors are reported by the reader of the file.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  return (path, key) => {
    const offset = offsetOf(document, [...root, ...path], key);
    if (offset === undefined) return file;
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
}

/** Climbs to the nearest parent that exists: a missing key is shown where it belongs. */
function offsetOf(document: Document, path: Path, key?: string): number | undefined {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (!isNode(node)) continue;
    if (key !== undefined && isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && isNode(item.key) && String(item.key) === key);
      if (isNode(pair?.key)) return pair.key.range?.[0];
    }
    // The whole text has no location but its file.
    if (length > 0) return node.range?.[0];
  }
  return undefined;
}

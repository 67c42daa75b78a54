/** The one YAML parser: values, places, and problems in the words of the library (yaml 2, YAML 1.2). */
import { type Document, isScalar, LineCounter, parseDocument, visit, YAMLParseError } from "yaml";
import { type Problem, refuse, SealiftError } from "../errors.ts";
import { codeFrames } from "./code-frame.ts";
import { offerFrames } from "./frames.ts";

/** More problems than this are reported in the next run. */
const maxReported = 100;

/** The value of a file that the operator wrote. @param file as messages show it. @throws {SealiftError} E_YAML with every syntax error. */
export function operatorYaml(text: string, file: string): unknown {
  offerFrames(file, codeFrames(text));
  return yamlValue(text, file);
}

/** The value of a text of any origin; the caller bounds it. @throws {SealiftError} E_YAML with every syntax error. */
export function yamlValue(text: string, file: string): unknown {
  const lines = new LineCounter();
  const options = { lineCounter: lines, prettyErrors: false, uniqueKeys: false };
  const document = parseDocument(text, options);
  // The library compares each key with all others, which takes hours for a hostile text.
  const errors = document.errors.length > 0 ? document.errors : repeatedKeys(document);
  refuse(
    errors.slice(0, maxReported).map(({ pos: [offset], message }) => {
      const { line, col } = lines.linePos(offset);
      return yamlProblem(`${file}:${line}:${col}`, message, "correct the syntax here");
    }),
  );
  try {
    return document.toJS();
  } catch (error) {
    // Aliases without an anchor, or that would multiply the text.
    throw new SealiftError([yamlProblem(file, error instanceof Error ? error.message : String(error))]);
  }
}

/** @param where file, or `file:line:column`. */
export function yamlProblem(where: string, found: string, fix = "correct the file"): Problem {
  return { where, code: "E_YAML", subject: "the file", found, expected: "YAML 1.2", fix };
}

function repeatedKeys(document: Document): readonly YAMLParseError[] {
  const found: YAMLParseError[] = [];
  visit(document, {
    Map: (_key, { items }) => {
      const keys = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const at = key.range?.[0] ?? 0;
        if (keys.has(key.value))
          found.push(new YAMLParseError([at, at + 1], "DUPLICATE_KEY", "Map keys must be unique"));
        keys.add(key.value);
      }
    },
  });
  return found;
}

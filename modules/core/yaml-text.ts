/** YAML 1.2 that a person wrote. */
import { parseDocument } from "yaml";
import { SealiftError } from "./errors.ts";

/** The value of a file's text. @param file as messages show it. @throws {SealiftError} E_YAML at the first slip. */
export function yamlValue(text: string, file: string): unknown {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error === undefined) return document.toJS();
  const { line = 1, col = 1 } = error.linePos?.[0] ?? {};
  throw new SealiftError([
    {
      where: `${file}:${line}:${col}`,
      code: "E_YAML",
      subject: "the file",
      got: error.code,
      expected: "YAML 1.2",
      todo: "mend what stands at this place",
    },
  ]);
}

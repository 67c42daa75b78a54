/** What environments share: a file beside theirs, checked before anything is taken from it. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { refuse, SealiftError } from "../errors.ts";
import { locate, type Locate } from "../locate.ts";
import { schemaProblems } from "../schema.ts";
import { yamlValue } from "../yaml-text.ts";
import type { Values } from "./values.ts";

export interface SharedFile {
  /** The path as messages show it. */
  readonly file: string;
  readonly text: string;
  readonly place: Locate;
  /** What holds for every environment unless it says otherwise. */
  readonly site: Values;
  readonly classes: Readonly<Record<string, Values>>;
  readonly teams: Readonly<Record<string, Values>>;
}

/**
 * @param name as the environment writes it, relative to the folder of its file. @param where it writes it.
 * @throws {SealiftError} E_SITE_MISSING, E_YAML, or everything that the schema has against it.
 */
export function readSharedFile(name: string, environmentFile: string, where: string): SharedFile {
  const file = join(dirname(environmentFile), name);
  const text = readText(file, where);
  const value = (yamlValue(text, file) ?? {}) as Partial<Pick<SharedFile, "site" | "classes" | "teams">>;
  const place = locate(file, text, []);
  refuse(schemaProblems(value, place, "shared"));
  return {
    file,
    text,
    place,
    site: value.site ?? {},
    classes: value.classes ?? {},
    teams: value.teams ?? {},
  };
}

function readText(file: string, where: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    throw new SealiftError([
      {
        where,
        code: "E_SITE_MISSING",
        subject: "shared",
        got: `no file ${file}`,
        expected: "a file that can be read",
        todo: "correct the name, or remove the key",
      },
    ]);
  }
}

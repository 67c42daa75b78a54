/** The shared file of several environments, validated before use. */
import { dirname, join } from "node:path";
import { refuse } from "../../errors.ts";
import { operatorPlaces, type Locate } from "../../document/locate.ts";
import { schemaProblems } from "../schema.ts";
import { operatorYaml } from "../../document/parse-yaml.ts";
import { readNamedFile } from "./named-file.ts";
import type { Values } from "./values.ts";

export interface SharedFile {
  /** The path for messages. */
  readonly file: string;
  readonly text: string;
  readonly place: Locate;
  /** Values of every environment that does not override them. */
  readonly site: Values;
  readonly classes: Readonly<Record<string, Values>>;
  readonly teams: Readonly<Record<string, Values>>;
}

/**
 * @param name as the environment writes it, relative to the folder of its file.
 * @param where the location of that name.
 * @throws {SealiftError} E_SITE_MISSING, E_YAML, or every violation of the schema.
 */
export function readSharedFile(name: string, environmentFile: string, where: string): SharedFile {
  const file = join(dirname(environmentFile), name);
  const naming = {
    where,
    subject: "shared",
    expected: "a readable file",
    fix: "correct the name, or remove the key",
  };
  const text = readNamedFile(file, naming);
  const value = (operatorYaml(text, file) ?? {}) as Partial<Pick<SharedFile, "site" | "classes" | "teams">>;
  const place = operatorPlaces(file, text, []);
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

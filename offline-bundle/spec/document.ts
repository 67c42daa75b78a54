/** Reads a YAML file and validates it against its JSON Schema; reports every problem at its line and column. */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { ValidateFunction } from "ajv/dist/2020.js";
import { type ErrorCode, type Problem, refuse, SealiftError } from "../../modules/core/errors.ts";
import { trustedSchemaOptions } from "../../modules/core/document/ajv-options.ts";
import { limits } from "../io/limits.ts";
import { printable } from "../io/printable.ts";
import { readRegular, UnusableFile } from "../io/regular-file.ts";
import { beyondYamlBounds } from "./yaml-bounds.ts";

/** A parsed file: its text, its value, and the location of each value in the text. */
export interface Document<T> {
  readonly text: string;
  readonly value: T;
  readonly place: (path: readonly (string | number)[]) => string;
}

/**
 * Reads and validates a YAML file. `T` is the type that the schema describes; the parsers are loaded on the first call only, so
 * that importing this file costs nothing.
 *
 * @param schema name of the schema file in this folder.
 * @param absent what to report when there is no such file.
 * @throws {SealiftError} `absent.code`, or all problems of the file: E_YAML, E_KEY_UNKNOWN, E_KEY_MISSING, E_TYPE, E_VALUE.
 */
export async function readDocument<T>(
  file: string,
  schema: string,
  absent: { readonly code: ErrorCode; readonly fix: string },
): Promise<Document<T>> {
  return checked<T>(await parsed(await bytesOf(file, absent), file, schema, "operator"));
}

/** A violation of the schema, and its location in the value. */
export interface Fault {
  readonly path: readonly (string | number)[];
  readonly problem: Problem;
}

/**
 * The same for a file of which some may be unreadable: the caller gets all violations of the schema. A value without a fault is
 * valid.
 *
 * @throws {SealiftError} `absent.code`; E_YAML; the first faults of a file that has more of them than anybody would read.
 */
export async function readDocumentWithFaults(
  file: string,
  schema: string,
  absent: { readonly code: ErrorCode; readonly fix: string },
): Promise<Document<unknown> & { readonly faults: readonly Fault[] }> {
  const read = await parsed(await bytesOf(file, absent), file, schema, "operator");
  if (read.faults.length > maxFaults) refuse(read.faults.slice(0, maxReported).map(({ problem }) => problem));
  return read;
}

async function bytesOf(
  file: string,
  absent: { readonly code: ErrorCode; readonly fix: string },
): Promise<Buffer> {
  return readRegular(file, limits.document, "follow").catch((error: unknown) => {
    const found = error instanceof Error ? error.message : String(error);
    throw new SealiftError([
      {
        where: file,
        code: error instanceof UnusableFile ? "E_YAML" : absent.code,
        subject: basename(file),
        found,
        expected: "the file",
        fix: absent.fix,
      },
    ]);
  });
}

/** The same for bytes of any origin that were already read. @throws {SealiftError} all problems of the file, as {@link readDocument}. */
export async function parseDocument<T>(
  bytes: Uint8Array,
  file: string,
  schema: string,
): Promise<Document<T>> {
  return checked<T>(await parsed(bytes, file, schema, "external"));
}

function checked<T>({ text, value, place, faults }: Awaited<ReturnType<typeof parsed>>): Document<T> {
  refuse(faults.slice(0, maxReported).map(({ problem }) => problem));
  return { text, value: value as T, place };
}

async function parsed(
  bytes: Uint8Array,
  file: string,
  schema: string,
  origin: "operator" | "external",
): Promise<Document<unknown> & { readonly faults: readonly Fault[] }> {
  const { yamlProblem, operatorYaml, yamlValue } = await import("../../modules/core/document/parse-yaml.ts");
  const { locate, operatorPlaces } = await import("../../modules/core/document/locate.ts");
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new SealiftError([yamlProblem(file, error instanceof Error ? error.message : String(error))]);
  }
  const beyond = beyondYamlBounds(text);
  if (beyond !== undefined) throw new SealiftError([yamlProblem(file, beyond)]);
  const value = origin === "operator" ? operatorYaml(text, file) : yamlValue(text, file);
  const place = origin === "operator" ? operatorPlaces(file, text, []) : locate(file, text, []);
  const validate = await validator(schema);
  const all = validate(value) ? [] : (validate.errors ?? []);
  const { pathOf, schemaProblem, withoutMisspelled } =
    await import("../../modules/core/document/schema-problem.ts");
  // A name that a pattern refuses is reported by the error of the pattern.
  const errors = withoutMisspelled(all)
    .filter(({ keyword }) => keyword !== "propertyNames")
    .slice(0, maxFaults + 1);
  const kind = { name: "the file", reference: `offline-bundle/${schema}`, describes: true };
  const faults = errors.map((error): Fault => {
    const problem = schemaProblem(error, place, kind);
    const { subject, found } = problem;
    return {
      path: pathOf(error),
      problem: { ...problem, subject: printable(subject), found: printable(found) },
    };
  });
  return { text, value, place, faults };
}

/** The next problems are reported once these are fixed. */
const maxReported = 100;
const maxFaults = 10_000;

const validators = new Map<string, ValidateFunction>();

async function validator(schema: string): Promise<ValidateFunction> {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const { Ajv2020 } = await import("ajv/dist/2020.js");
  const text = await readFile(new URL(`../${schema}`, import.meta.url), "utf8");
  const compiled = new Ajv2020({ ...trustedSchemaOptions, allErrors: true, verbose: true }).compile(
    JSON.parse(text) as object,
  );
  validators.set(schema, compiled);
  return compiled;
}

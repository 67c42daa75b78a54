/** Reads a YAML file against its JSON Schema; every problem at its line and column. */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { ErrorObject, ValidateFunction } from "ajv/dist/2020.js";
import type { Document as YamlDocument, YAMLParseError } from "yaml";
import { type ErrorCode, type Problem, refuse, SealiftError } from "../modules/core/errors.ts";
import { ownSchema } from "../modules/core/own-schema.ts";
import { shown } from "../modules/core/shown.ts";
import { limits } from "./limits.ts";
import { printable } from "./printable.ts";
import { readRegular, UnusableFile } from "./regular-file.ts";
import { beyondYamlBounds } from "./yaml-bounds.ts";

/** A file as read: its text, its value, and where a value stands in the text. */
export interface Document<T> {
  readonly text: string;
  readonly value: T;
  readonly place: (path: readonly (string | number)[]) => string;
}

/**
 * Reads and checks a YAML file. `T` is what the schema describes; the parsers are loaded on the first call only, so that
 * importing this costs nothing.
 *
 * @param schema name of the schema file in this folder.
 * @param absent what to tell when there is no such file.
 * @throws {SealiftError} `absent.code`, or all problems of the file: E_YAML, E_KEY_UNKNOWN, E_KEY_MISSING, E_TYPE, E_VALUE.
 */
export async function readDocument<T>(
  file: string,
  schema: string,
  absent: { readonly code: ErrorCode; readonly todo: string },
): Promise<Document<T>> {
  return parseDocument<T>(await bytesOf(file, absent), file, schema);
}

/** What the schema refuses of a file, and where in its value that is. */
export interface Fault {
  readonly path: readonly (string | number)[];
  readonly problem: Problem;
}

/**
 * The same of a file of which some may be unreadable: what the schema refuses is left to the caller, who gets all of it. What has no fault
 * here is right.
 *
 * @throws {SealiftError} `absent.code`; E_YAML; the first faults of a file that has more of them than anybody can go through.
 */
export async function readDocumentWithFaults(
  file: string,
  schema: string,
  absent: { readonly code: ErrorCode; readonly todo: string },
): Promise<Document<unknown> & { readonly faults: readonly Fault[] }> {
  const read = await parsed(await bytesOf(file, absent), file, schema);
  if (read.faults.length > mostFaults) refuse(read.faults.slice(0, mostTold).map(({ problem }) => problem));
  return read;
}

async function bytesOf(
  file: string,
  absent: { readonly code: ErrorCode; readonly todo: string },
): Promise<Buffer> {
  return readRegular(file, limits.document, "follow").catch((error: unknown) => {
    const got = error instanceof Error ? error.message : String(error);
    throw new SealiftError([
      {
        where: file,
        code: error instanceof UnusableFile ? "E_YAML" : absent.code,
        subject: basename(file),
        got,
        expected: "the file",
        todo: absent.todo,
      },
    ]);
  });
}

/** The same of bytes that were read already. @throws {SealiftError} all problems of the file, as {@link readDocument}. */
export async function parseDocument<T>(
  bytes: Uint8Array,
  file: string,
  schema: string,
): Promise<Document<T>> {
  const { text, value, place, faults } = await parsed(bytes, file, schema);
  refuse(faults.slice(0, mostTold).map(({ problem }) => problem));
  return { text, value: value as T, place };
}

async function parsed(
  bytes: Uint8Array,
  file: string,
  schema: string,
): Promise<Document<unknown> & { readonly faults: readonly Fault[] }> {
  try {
    return await parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes), file, schema);
  } catch (error) {
    if (error instanceof SealiftError) throw error;
    // Bytes that are no text, levels without end, aliases of aliases: the parsers have words of their own for each.
    const got = error instanceof Error ? error.message : String(error);
    throw new SealiftError([
      {
        where: file,
        code: "E_YAML",
        subject: basename(file),
        got,
        expected: "YAML 1.2",
        todo: "correct the file",
      },
    ]);
  }
}

async function parse(
  text: string,
  file: string,
  schema: string,
): Promise<Document<unknown> & { readonly faults: readonly Fault[] }> {
  const beyond = beyondYamlBounds(text);
  if (beyond !== undefined) throw new Error(beyond);
  const { parseDocument: parseYaml } = await import("yaml");
  const { locate } = await import("../modules/core/locate.ts");
  // Looking for each key among all others takes hours where there are many: repeated ones are told below.
  const document = parseYaml(text, { prettyErrors: false, uniqueKeys: false });
  if (document.errors.length === 0) document.errors.push(...(await repeatedKeys(document)));
  refuse(
    document.errors.slice(0, mostTold).map((error) => ({
      where: `${file}:${lineOf(text, error.pos[0])}`,
      code: "E_YAML",
      subject: basename(file),
      got: printable(error.message),
      expected: "YAML 1.2",
      todo: "correct the line",
    })),
  );
  const place = locate(file, text, []);
  const value: unknown = document.toJS();
  const validate = await validator(schema);
  const errors = validate(value) ? [] : (validate.errors ?? []).slice(0, mostFaults + 1);
  return { text, value, place, faults: errors.map((error) => toFault(error, place)) };
}

async function repeatedKeys(document: YamlDocument): Promise<readonly YAMLParseError[]> {
  const { isScalar, visit, YAMLParseError } = await import("yaml");
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

/** Whoever corrects these sees the next ones. */
const mostTold = 100;
const mostFaults = 10_000;

function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

const validators = new Map<string, ValidateFunction>();

async function validator(schema: string): Promise<ValidateFunction> {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const { Ajv2020 } = await import("ajv/dist/2020.js");
  const text = await readFile(new URL(schema, import.meta.url), "utf8");
  const compiled = new Ajv2020({ ...ownSchema, allErrors: true, verbose: true }).compile(
    JSON.parse(text) as object,
  );
  validators.set(schema, compiled);
  return compiled;
}

function toFault(error: ErrorObject, place: Document<unknown>["place"]): Fault {
  const path = error.instancePath.split("/").slice(1).map(fromPointer);
  return { path, problem: toProblem(error, place) };
}

function toProblem(error: ErrorObject, place: Document<unknown>["place"]): Problem {
  const path = error.instancePath.split("/").slice(1).map(fromPointer);
  const params = error.params as Record<string, unknown>;
  const key = params["additionalProperty"] ?? params["missingProperty"];
  const subject = [...path, ...(typeof key === "string" ? [key] : [])].join(".");
  const schema = error.parentSchema as { properties?: object; description?: string; examples?: unknown[] };
  const common = { where: place(path), subject: subject === "" ? "the file" : printable(subject) };
  if (error.keyword === "additionalProperties") {
    const known = Object.keys(schema.properties ?? {}).join(", ");
    return {
      ...common,
      code: "E_KEY_UNKNOWN",
      got: `the key ${printable(String(key))}`,
      expected: `one of ${known}`,
      todo: "correct or remove it",
    };
  }
  if (error.keyword === "required") {
    return {
      ...common,
      code: "E_KEY_MISSING",
      got: "nothing",
      expected: `the key ${String(key)}`,
      todo: "add it",
    };
  }
  return {
    ...common,
    code: error.keyword === "type" ? "E_TYPE" : "E_VALUE",
    got: printable(shown(error.data)),
    expected: schema.description ?? error.message ?? "another value",
    todo:
      schema.examples?.[0] === undefined
        ? "correct it"
        : `write it like ${JSON.stringify(schema.examples[0])}`,
  };
}

function fromPointer(part: string): string | number {
  return /^\d+$/.test(part) ? Number(part) : part.replaceAll("~1", "/").replaceAll("~0", "~");
}

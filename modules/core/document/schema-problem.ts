/** What a JSON Schema refuses of a document, in words for the person who wrote it. Pure. */
import type { ErrorObject } from "ajv/dist/2020.js";
import type { ErrorCode, Problem } from "../errors.ts";
import { shown, subject } from "../shown.ts";
import type { Locate, Path } from "./locate.ts";
import { nearest } from "./nearest.ts";

/** How problems speak of a kind of document. */
export interface DocumentKind {
  /** Subject of a problem of the whole: `the site`. */
  readonly name: string;
  /** The page or file that describes all keys. */
  readonly reference: string;
  /** The fix for a key that was renamed. @param known keys of its place. */
  readonly renamed?: (key: string, known: readonly string[]) => string | undefined;
  /** Whether a description in the schema states what is expected. Default false: `expected` does. */
  readonly describes?: boolean;
}

/** Annotations of a schema node beside the keywords of JSON Schema. */
interface Words {
  readonly expected?: string;
  readonly description?: string;
  readonly code?: ErrorCode;
  readonly fix?: string;
  readonly examples?: readonly unknown[];
  /** Keys that are refused for a specific reason: what is expected instead, and the fix. */
  readonly refused?: Readonly<Record<string, { readonly expected: string; readonly fix: string }>>;
  /** The fix for a string that matches this pattern, instead of `fix`. */
  readonly hints?: readonly { readonly pattern: string; readonly fix: string }[];
  /** The value is never shown. */
  readonly secret?: boolean;
}

/** What a schema refuses, as a problem at its place. */
export function schemaProblem(error: ErrorObject, place: Locate, document: DocumentKind): Problem {
  const path = pathOf(error);
  if (error.keyword === "additionalProperties") return unknownKey(error, path, place, document);
  if (error.keyword === "propertyNames") return unknownName(error, path, place);
  if (error.keyword === "required") return missingKey(error, path, place);
  const words = error.parentSchema as Words;
  const quoted = words.fix?.includes("quotes") !== true && isUnquoted(error);
  const example = words.examples?.[0];
  return {
    where: place(path),
    code: words.code !== undefined && error.keyword === "pattern" ? words.code : defaultCode(error),
    subject: subjectIn(path, document),
    found: words.secret === true ? "a secret" : shown(error.data),
    expected:
      words.expected ?? (document.describes === true ? words.description : undefined) ?? expectation(error),
    fix:
      hintFor(words, error.data) ??
      (quoted ? `put it in quotes, ${quotedLike(error.data, words)}` : words.fix) ??
      (example === undefined ? "change the value to an expected one" : `write it like ${shown(example)}`),
  };
}

function hintFor({ hints = [] }: Words, data: unknown): string | undefined {
  return typeof data === "string"
    ? hints.find(({ pattern }) => new RegExp(pattern).test(data))?.fix
    : undefined;
}

/** YAML reads 28.10 as the number 28.1 and true as a boolean: the value was meant to be a string. */
function isUnquoted({ keyword, params, data }: ErrorObject): boolean {
  const { type } = params as { type?: string | readonly string[] };
  return keyword === "type" && type === "string" && (typeof data === "number" || typeof data === "boolean");
}

/** The digits as typed are lost: 28.10 arrives as 28.1. */
function quotedLike(data: unknown, { examples = [] }: Words): string {
  const [example] = examples;
  const like = typeof example === "string" ? `like ${shown(example)}` : `like ${shown(String(data))}`;
  return `${like}: without quotes YAML reads ${typeof data === "number" ? "a number and drops zeros" : "a boolean"}`;
}

function unknownKey(error: ErrorObject, path: Path, place: Locate, document: DocumentKind): Problem {
  const key = String((error.params as { additionalProperty: unknown }).additionalProperty);
  const { properties = {}, refused = {} } = error.parentSchema as Words & { properties?: object };
  const known = Object.keys(properties);
  const renamed = document.renamed?.(key, known);
  const near = nearest(key, known);
  const reason = Object.hasOwn(refused, key) ? refused[key] : undefined;
  if (reason !== undefined) {
    const found = `the key "${key}"`;
    return {
      where: place(path, key),
      code: "E_KEY_REFUSED",
      subject: subject([...path, key]),
      found,
      ...reason,
    };
  }
  return {
    where: place(path, key),
    code: "E_KEY_UNKNOWN",
    subject: subject([...path, key]),
    found: `the key "${key}"`,
    expected: `one of ${known.join(", ")}`,
    fix:
      renamed ??
      (near === undefined ? `remove it; ${document.reference} lists all keys` : `did you mean "${near}"?`),
  };
}

/** A key that is a name: it is not in a list, and has to match a pattern. */
function unknownName(error: ErrorObject, path: Path, place: Locate): Problem {
  const key = String((error.params as { propertyName: unknown }).propertyName);
  const {
    enum: names,
    pattern = "",
    expected = `a name that matches ${pattern}`,
  } = error.schema as Words & {
    enum?: readonly string[];
    pattern?: string;
  };
  const near = nearest(key, names ?? []);
  return {
    where: place(path, key),
    code: "E_KEY_UNKNOWN",
    subject: subject([...path, key]),
    found: `the key "${key}"`,
    expected: names === undefined ? expected : `one of ${names.join(", ")}`,
    fix: near === undefined ? "correct the name" : `did you mean "${near}"?`,
  };
}

/** Drops missing keys that an unknown key of the same object was meant to be: the problem of the unknown one names them. */
export function withoutMisspelled(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const at = ({ instancePath }: ErrorObject, key: unknown): string => `${instancePath} ${String(key)}`;
  const meant = new Set(
    errors.flatMap((error) => {
      if (error.keyword !== "additionalProperties") return [];
      const { additionalProperty: key } = error.params as { additionalProperty: unknown };
      const { properties = {} } = error.parentSchema as { properties?: object };
      const near = nearest(String(key), Object.keys(properties));
      return near === undefined ? [] : [at(error, near)];
    }),
  );
  return errors.filter(
    (error) =>
      error.keyword !== "required" ||
      !meant.has(at(error, (error.params as { missingProperty: unknown }).missingProperty)),
  );
}

function missingKey(error: ErrorObject, path: Path, place: Locate): Problem {
  const key = String((error.params as { missingProperty: unknown }).missingProperty);
  const { properties } = error.parentSchema as { properties?: Record<string, Words> };
  const example = properties?.[key]?.examples?.[0];
  return {
    where: place(path),
    code: "E_KEY_MISSING",
    subject: subject([...path, key]),
    found: "nothing",
    expected: `the key "${key}"`,
    fix: example === undefined ? "add it" : `add it, like ${key}: ${shown(example)}`,
  };
}

function defaultCode({ keyword }: ErrorObject): ErrorCode {
  return keyword === "type" ? "E_TYPE" : "E_VALUE";
}

function expectation(error: ErrorObject): string {
  const params = error.params as { allowedValues?: unknown[]; type?: string | string[] };
  if (params.allowedValues !== undefined) return `one of ${params.allowedValues.map(String).join(", ")}`;
  if (params.type !== undefined) return `a value of type ${String(params.type)}`;
  return limited(error) ?? (error.message ?? "another value").replace(/^must (be |match )?/, "");
}

/** A bound in words: the messages of ajv are negative sentences (`must NOT have fewer than 1 items`). */
function limited({ keyword, params }: ErrorObject): string | undefined {
  const { limit = 0, i = 0, j = 0 } = params as { limit?: number; i?: number; j?: number };
  const many = (what: string): string => `${limit} ${what}${limit === 1 ? "" : "s"}`;
  const said: Readonly<Record<string, string>> = {
    minimum: `at least ${limit}`,
    maximum: `at most ${limit}`,
    minItems: `at least ${many("item")}`,
    maxItems: limit === 0 ? "an empty list" : `at most ${many("item")}`,
    minProperties: `at least ${many("key")}`,
    minLength: limit === 1 ? "a text that is not empty" : `at least ${many("character")}`,
    maxLength: `at most ${many("character")}`,
    uniqueItems: `no item twice; items ${Math.min(i, j) + 1} and ${Math.max(i, j) + 1} are equal`,
  };
  return said[keyword];
}

/** The path of the refused value: a JSON pointer (RFC 6901) in parts. */
export function pathOf({ instancePath }: ErrorObject): Path {
  return instancePath.split("/").slice(1).map(fromPointer);
}

function subjectIn(path: Path, { name }: DocumentKind): string {
  return path.length === 0 ? name : subject(path);
}

function fromPointer(part: string): string | number {
  return /^\d+$/.test(part) ? Number(part) : part.replaceAll("~1", "/").replaceAll("~0", "~");
}

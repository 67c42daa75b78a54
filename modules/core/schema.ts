/** The site schema at work: every violation as a problem with its place, and every text that no host could be given. */
import { readFileSync } from "node:fs";
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import { closest, distance } from "fastest-levenshtein";
import type { ErrorCode, Problem } from "./errors.ts";
import type { Locate, Path } from "./locate.ts";
import { ownSchema } from "./own-schema.ts";
import { withPastedKeys } from "./pasted-keys.ts";
import { shown, subject } from "./shown.ts";
import { textProblems } from "./texts.ts";

/** What a schema node says to people besides JSON Schema's own words. */
interface Words {
  readonly expected?: string;
  readonly code?: ErrorCode;
  readonly todo?: string;
  readonly examples?: readonly unknown[];
  /** Keys that have a reason of their own to be refused: what is expected in their place, and what to do. */
  readonly refused?: Readonly<Record<string, { readonly expected: string; readonly todo: string }>>;
  /** What to do about a text that begins like this, in place of `todo`. */
  readonly hints?: readonly { readonly pattern: string; readonly todo: string }[];
  /** The value is never shown. */
  readonly secret?: boolean;
}

/** site: all of it is there. environment: a part of it may come from the shared file. shared: that file. */
export type SchemaKind = "site" | "environment" | "shared";

export function schemaProblems(
  written: unknown,
  place: Locate,
  kind: SchemaKind = "site",
): readonly Problem[] {
  const value = withPastedKeys(written);
  const validate = validator(kind);
  const errors = validate(value) ? [] : (validate.errors ?? []);
  const wrong = errors
    .filter((error) => isTold(error) && !isOtherCase(error, errors))
    .map((error) => toProblem(error, place));
  // What a pattern has refused is not refused again.
  const told = new Set(wrong.map(({ where, subject: about }) => `${where} ${about}`));
  return [
    ...wrong,
    ...textProblems(value, place).filter(({ where, subject: about }) => !told.has(`${where} ${about}`)),
  ];
}

/** What a branch of anyOf or the name of a property says is told by the keyword around it. */
function isTold({ schemaPath, propertyName }: ErrorObject): boolean {
  return !/\/anyOf\/\d+\//.test(schemaPath) && propertyName === undefined;
}

/** A key that is missing because it stands there in other letters, which is told of the key that is there. */
function isOtherCase(
  { keyword, instancePath, params }: ErrorObject,
  errors: readonly ErrorObject[],
): boolean {
  if (keyword !== "required") return false;
  const key = (params as { missingProperty: string }).missingProperty.toLowerCase();
  return errors.some(
    (other) =>
      other.keyword === "additionalProperties" &&
      other.instancePath === instancePath &&
      (other.params as { additionalProperty: string }).additionalProperty.toLowerCase() === key,
  );
}

const compiled = new Map<SchemaKind, ValidateFunction>();
function validator(kind: SchemaKind): ValidateFunction {
  const known = compiled.get(kind);
  if (known !== undefined) return known;
  const ajv = new Ajv2020({ ...ownSchema, allErrors: true, verbose: true, allowUnionTypes: true });
  ajv.addVocabulary(["expected", "code", "todo", "apply", "since", "refused", "secret", "hints"]);
  const made = ajv.compile(schemaOf(kind));
  compiled.set(kind, made);
  return made;
}

/** stacks/site.schema.json as it is written. */
export function siteSchema(): object {
  const file = new URL("../../stacks/site.schema.json", import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as object;
}

/** The schema of one of the kinds of file, out of the one that is written. */
export function schemaOf(kind: SchemaKind): object {
  const whole = siteSchema() as {
    $defs: Record<string, object & { required?: string[] }>;
    required?: string[];
  };
  if (kind === "site") return whole;
  if (kind === "shared") return { ...whole.$defs["shared"], $defs: whole.$defs };
  return {
    ...whole,
    required: [],
    $defs: { ...whole.$defs, host: { ...whole.$defs["host"], required: ["name"] } },
  };
}

function toProblem(error: ErrorObject, place: Locate): Problem {
  const path = error.instancePath.split("/").slice(1).map(fromPointer);
  if (error.keyword === "additionalProperties") return unknownKey(error, path, place);
  if (error.keyword === "propertyNames") return unknownName(error, path, place);
  if (error.keyword === "required") return missingKey(error, path, place);
  const words = error.parentSchema as Words;
  const quoted = words.todo?.includes("quotes") !== true && isUnquoted(error);
  const example = words.examples?.[0];
  return {
    where: place(path),
    code: words.code !== undefined && error.keyword === "pattern" ? words.code : defaultCode(error),
    subject: subject(path),
    got: words.secret === true ? "a secret" : shown(error.data),
    expected: words.expected ?? expectation(error),
    todo:
      hintFor(words, error.data) ??
      (quoted ? `put it in quotes, ${quotedLike(error.data, words)}` : words.todo) ??
      (example === undefined ? "write what is expected" : `write it like ${shown(example)}`),
  };
}

function hintFor({ hints = [] }: Words, data: unknown): string | undefined {
  return typeof data === "string"
    ? hints.find(({ pattern }) => new RegExp(pattern).test(data))?.todo
    : undefined;
}

/** YAML reads 28.10 as the number 28.1, and true as no text: such a value was meant as one. */
function isUnquoted({ keyword, params, data }: ErrorObject): boolean {
  const { type } = params as { type?: string | readonly string[] };
  return keyword === "type" && type === "string" && (typeof data === "number" || typeof data === "boolean");
}

/** The digits that were typed are gone: 28.10 has come as 28.1. */
function quotedLike(data: unknown, { examples = [] }: Words): string {
  const [example] = examples;
  const like = typeof example === "string" ? `like ${shown(example)}` : `like ${shown(String(data))}`;
  return `${like}: without them YAML takes it for ${typeof data === "number" ? "a number and drops zeros" : "true or false"}`;
}

function unknownKey(error: ErrorObject, path: Path, place: Locate): Problem {
  const key = String((error.params as { additionalProperty: unknown }).additionalProperty);
  const { properties = {}, refused = {} } = error.parentSchema as Words & { properties?: object };
  const known = Object.keys(properties);
  const near = closest(key, known);
  const reason = Object.hasOwn(refused, key) ? refused[key] : undefined;
  if (reason !== undefined) {
    const got = `the key "${key}"`;
    return {
      where: place(path, key),
      code: "E_KEY_REFUSED",
      subject: subject([...path, key]),
      got,
      ...reason,
    };
  }
  return {
    where: place(path, key),
    code: "E_KEY_UNKNOWN",
    subject: subject([...path, key]),
    got: `the key "${key}"`,
    expected: `one of ${known.join(", ")}`,
    todo: similar(key, near)
      ? `did you mean "${near}"?`
      : "remove it, or see docs/reference for what there is",
  };
}

/** A name that nobody chose from a list of keys, but that has a form. */
function unknownName(error: ErrorObject, path: Path, place: Locate): Problem {
  const key = String((error.params as { propertyName: unknown }).propertyName);
  const { enum: names, pattern } = error.schema as { enum?: readonly string[]; pattern?: string };
  const near = names === undefined ? "" : closest(key, names);
  return {
    where: place(path, key),
    code: "E_KEY_UNKNOWN",
    subject: subject([...path, key]),
    got: `the key "${key}"`,
    expected: names === undefined ? `a name that matches ${pattern ?? ""}` : `one of ${names.join(", ")}`,
    todo: similar(key, near) ? `did you mean "${near}"?` : "write what is expected",
  };
}

function missingKey(error: ErrorObject, path: Path, place: Locate): Problem {
  const key = String((error.params as { missingProperty: unknown }).missingProperty);
  const { properties } = error.parentSchema as { properties?: Record<string, Words> };
  const example = properties?.[key]?.examples?.[0];
  return {
    where: place(path),
    code: "E_KEY_MISSING",
    subject: subject([...path, key]),
    got: "nothing",
    expected: `the key "${key}"`,
    todo: example === undefined ? "add it" : `add it, like ${key}: ${shown(example)}`,
  };
}

/** At most a third of the letters differ: nearer is a slip, farther is another word. */
function similar(key: string, near: string): boolean {
  return distance(key.toLowerCase(), near.toLowerCase()) <= Math.max(key.length, near.length) / 3;
}

function defaultCode({ keyword }: ErrorObject): ErrorCode {
  return keyword === "type" ? "E_TYPE" : "E_VALUE";
}

function expectation(error: ErrorObject): string {
  const params = error.params as { allowedValues?: unknown[]; type?: string | string[] };
  if (params.allowedValues !== undefined) return `one of ${params.allowedValues.map(String).join(", ")}`;
  if (params.type !== undefined) return `a value of type ${String(params.type)}`;
  return (error.message ?? "another value").replace(/^must (be|match|NOT have) /, "").replace(/^must /, "");
}

function fromPointer(part: string): string | number {
  return /^\d+$/.test(part) ? Number(part) : part.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** Checks the inputs of a resource against its schema and fills in what the official plugin 1.2.1 fills in. */
import {
  isAsset,
  isArchive,
  isList,
  isObject,
  isSecret,
  open,
  secret,
  unknown,
  type Json,
  type Properties,
} from "./properties.ts";

export interface InputSchema {
  /** Name in the official plugin's words, for the failures it prints. */
  readonly name: string;
  readonly fields: Readonly<Record<string, Field>>;
}

export interface Field {
  readonly type: "string" | "float64" | "int" | "bool" | "list" | "map" | "source" | InputSchema;
  readonly required?: boolean;
  readonly secret?: boolean;
  readonly default?: Json;
}

export interface Failure {
  readonly property: string;
  readonly reason: string;
}

/** @returns the inputs as the state keeps them; with failures, as they came, but with secrets closed */
export function checkInputs(
  schema: InputSchema,
  news: Properties,
): { readonly inputs: Properties; readonly failures: readonly Failure[] } {
  const failures = findFailures(schema, news);
  return { inputs: failures.length === 0 ? fill(schema, news) : closeSecrets(schema, news), failures };
}

function findFailures(schema: InputSchema, values: Properties): Failure[] {
  const known = Object.entries(schema.fields).flatMap(([name, field]): Failure[] => {
    const value = values[name];
    if (value === undefined || value === null)
      return field.required === true
        ? [{ property: name, reason: `Missing required field '${name}' on 'remote.${schema.name}'` }]
        : [];
    return checkValue(schema, name, field, open(value));
  });
  const strange = Object.keys(values)
    .filter((name) => schema.fields[name] === undefined)
    .map((name) => ({ property: name, reason: `Unrecognized field '${name}' on 'remote.${schema.name}'` }));
  return [...known, ...strange];
}

function checkValue(schema: InputSchema, name: string, field: Field, value: Json): Failure[] {
  const { type } = field;
  if (type === "source") return checkSource(value);
  if (value === unknown) return [];
  if (typeof type === "object") {
    const inner = isObject(value)
      ? findFailures(type, value)
      : [{ property: name, reason: "must be an object" }];
    if (inner.length === 0) return [];
    const lines = inner.map((failure) => `\t${failure.property}: ${failure.reason}`);
    const head = `An error occurred decoding '${schema.name}.${name}': ${inner.length} failures decoding:`;
    return [{ property: name, reason: [head, ...lines].join("\n") }];
  }
  if (fits(type, value)) return [];
  const got = typeof value === "number" ? "float64" : typeof value;
  const reason = `Field '${name}' on 'remote.${schema.name}' must be a '${type}'; got '${got}' instead`;
  return [{ property: name, reason }];
}

function fits(type: Exclude<Field["type"], InputSchema>, value: Json): boolean {
  switch (type) {
    case "string":
      return typeof value === "string";
    case "float64":
    case "int":
      return typeof value === "number";
    case "bool":
      return typeof value === "boolean";
    case "list":
      return isList(value);
    default:
      return isObject(value);
  }
}

function checkSource(value: Json): Failure[] {
  const failure = (property: string, reason: string): Failure[] => [{ property, reason }];
  if (isAsset(value))
    return filled(value["path"]) || filled(value["text"])
      ? []
      : failure("asset", "asset must be a path-based file asset or a text asset");
  if (isArchive(value))
    return filled(value["path"]) ? [] : failure("archive", "archive must be a path to a file or directory");
  // A source that a preview does not know is refused too, in 1.2.1.
  return failure("asset", "either asset or archive must be set");
}

function filled(value: Json | undefined): boolean {
  return typeof value === "string" && value !== "";
}

function fill(schema: InputSchema, values: Properties): Properties {
  const entries = Object.entries(schema.fields).flatMap(([name, field]): [string, Json][] => {
    const value = values[name] ?? field.default;
    if (value === undefined) return [];
    const filled = fillValue(field, value);
    return [[name, field.secret === true ? secret(filled) : filled]];
  });
  return Object.fromEntries(entries);
}

function fillValue(field: Field, value: Json): Json {
  if (isSecret(value)) return secret(fillValue(field, value["value"] ?? null));
  if (field.type === "source") return fullSource(value);
  if (typeof field.type === "object" && isObject(value)) return fill(field.type, value);
  return value;
}

/** The official plugin stores every field of an asset or archive, the empty ones too. */
function fullSource(source: Json): Json {
  const blanks = isAsset(source) ? { path: "", text: "", uri: "" } : { assets: {}, path: "", uri: "" };
  return isAsset(source) || isArchive(source) ? { ...blanks, ...source } : source;
}

function closeSecrets(schema: InputSchema, values: Properties): Properties {
  const entries = Object.entries(values).map(([name, value]): [string, Json] => {
    if (schema.fields[name]?.secret !== true || value === null) return [name, value];
    return [name, secret(value)];
  });
  return Object.fromEntries(entries);
}

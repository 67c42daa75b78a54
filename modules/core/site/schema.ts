/**
 * Validates a site against its schema: every violation becomes a problem with its location, and so does every string that cannot
 * be sent to a host.
 */
import { readFileSync } from "node:fs";
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import type { Problem } from "../errors.ts";
import { type DocumentKind, schemaProblem, withoutMisspelled } from "../document/schema-problem.ts";
import type { Locate } from "../document/locate.ts";
import { trustedSchemaOptions } from "../document/ajv-options.ts";
import { withPastedKeys } from "./pasted-keys.ts";
import { renamedTo, renameFix } from "./renamed-keys.ts";
import { textProblems } from "./text-problems.ts";

/** site: complete. environment: a part of it may come from the shared file. shared: the shared file. */
export type SchemaKind = "site" | "environment" | "shared";

export function schemaProblems(
  written: unknown,
  place: Locate,
  kind: SchemaKind = "site",
): readonly Problem[] {
  const value = withPastedKeys(written);
  const validate = validator(kind);
  const errors = validate(value) ? [] : (validate.errors ?? []);
  const wrong = withoutMisspelled(errors)
    .filter((error) => isReported(error) && !isOtherwiseWritten(error, errors))
    .map((error) => schemaProblem(error, place, siteDocument));
  // A string that a pattern has refused is reported once.
  const reported = new Set(wrong.map(({ where, subject: about }) => `${where} ${about}`));
  return [
    ...wrong,
    ...textProblems(value, place).filter(({ where, subject: about }) => !reported.has(`${where} ${about}`)),
  ];
}

/** Errors inside a branch of anyOf, and of a property name, are reported by the keyword around them. */
function isReported({ schemaPath, propertyName }: ErrorObject): boolean {
  return !/\/anyOf\/\d+\//.test(schemaPath) && propertyName === undefined;
}

/** A key that is missing because it is written in another case, or with its old name: reported at the existing key. */
function isOtherwiseWritten(
  { keyword, instancePath, params }: ErrorObject,
  errors: readonly ErrorObject[],
): boolean {
  if (keyword !== "required") return false;
  const key = (params as { missingProperty: string }).missingProperty;
  return errors.some((other) => {
    if (other.keyword !== "additionalProperties" || other.instancePath !== instancePath) return false;
    const present = (other.params as { additionalProperty: string }).additionalProperty;
    return present.toLowerCase() === key.toLowerCase() || renamedTo(present, [key]) !== undefined;
  });
}

const siteDocument: DocumentKind = {
  name: "the site",
  reference: "docs/reference/site.md",
  renamed: (key, known) => {
    const name = renamedTo(key, known);
    return name === undefined ? undefined : renameFix(name);
  },
};

const compiled = new Map<SchemaKind, ValidateFunction>();
function validator(kind: SchemaKind): ValidateFunction {
  const known = compiled.get(kind);
  if (known !== undefined) return known;
  const ajv = new Ajv2020({ ...trustedSchemaOptions, allErrors: true, verbose: true, allowUnionTypes: true });
  ajv.addVocabulary(["expected", "code", "fix", "apply", "since", "refused", "secret", "hints", "files"]);
  const made = ajv.compile(schemaOf(kind));
  compiled.set(kind, made);
  return made;
}

/** stacks/site.schema.json as written. */
export function siteSchema(): object {
  const file = new URL("../../../stacks/site.schema.json", import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as object;
}

/** The schema of one kind of file, derived from the written one. */
export function schemaOf(kind: SchemaKind): object {
  const schema = siteSchema() as {
    $defs: Record<string, object & { required?: string[] }>;
    required?: string[];
  };
  if (kind === "site") return schema;
  if (kind === "shared") return { ...schema.$defs["shared"], $defs: schema.$defs };
  return {
    ...schema,
    required: [],
    $defs: { ...schema.$defs, host: { ...schema.$defs["host"], required: ["name"] } },
  };
}

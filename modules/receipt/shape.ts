/** Validates a receipt against its schema: others may have written it, and a signature only states who. */
import { readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { trustedSchemaOptions } from "../core/document/ajv-options.ts";
import type { Receipt } from "./receipt.ts";

/** @returns the receipt, or a description of the first problem. */
export function parseReceipt(text: string): Receipt | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const validate = validator();
  if (validate(value)) return value;
  const [first] = validate.errors ?? [];
  return `${first?.instancePath === "" ? "the document" : (first?.instancePath ?? "")} ${first?.message ?? "does not match the schema"}`;
}

let compiled: ValidateFunction<Receipt> | undefined;
function validator(): ValidateFunction<Receipt> {
  const schema = new URL("receipt.schema.json", import.meta.url);
  compiled ??= new Ajv2020(trustedSchemaOptions).compile<Receipt>(
    JSON.parse(readFileSync(schema, "utf8")) as object,
  );
  return compiled;
}

/** Whether a text is a receipt: it was written by somebody else, and its signature only says by whom. */
import { readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { ownSchema } from "../core/own-schema.ts";
import type { Receipt } from "./receipt.ts";

/** @returns the receipt, or in words what is wrong with it. */
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
  return `${first?.instancePath === "" ? "the whole" : (first?.instancePath ?? "")} ${first?.message ?? "has another shape"}`;
}

let compiled: ValidateFunction<Receipt> | undefined;
function validator(): ValidateFunction<Receipt> {
  const schema = new URL("receipt.schema.json", import.meta.url);
  compiled ??= new Ajv2020(ownSchema).compile<Receipt>(JSON.parse(readFileSync(schema, "utf8")) as object);
  return compiled;
}

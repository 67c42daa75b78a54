/** The output of `sealift plan --json`: one version of Sealift and its plans, in a form that later versions read as well. */
import { readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { trustedSchemaOptions } from "../core/document/ajv-options.ts";
import { readLibrary } from "../core/host/library.ts";
import { ownEnvironments } from "../environments/stack-file.ts";
import { offlinePlan, type OfflineEnvironment } from "./offline-plan.ts";
import { ownToolkit, type Toolkit } from "./toolkit.ts";

/** Described by toolkit-plan.schema.json. */
export interface ToolkitPlan {
  readonly format: 1;
  readonly toolkit: Toolkit;
  readonly environments: readonly OfflineEnvironment[];
}

/** @param names environments; none: all except the examples. */
export async function planEnvironments(names: readonly string[]): Promise<ToolkitPlan> {
  const library = readLibrary();
  const toolkit = ownToolkit(library);
  const environments: OfflineEnvironment[] = [];
  for (const name of names.length > 0 ? names : ownEnvironments())
    environments.push(await offlinePlan(name, toolkit.siteKeys, library));
  return { format: 1, toolkit, environments };
}

/** The output of any version; undefined when it is not one of this format. */
export function readToolkitPlan(text: string): ToolkitPlan | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return validator()(value) ? value : undefined;
}

let compiled: ValidateFunction<ToolkitPlan> | undefined;
function validator(): ValidateFunction<ToolkitPlan> {
  const file = new URL("toolkit-plan.schema.json", import.meta.url);
  compiled ??= new Ajv2020(trustedSchemaOptions).compile<ToolkitPlan>(
    JSON.parse(readFileSync(file, "utf8")) as object,
  );
  return compiled;
}

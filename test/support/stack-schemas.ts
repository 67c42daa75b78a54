/** The schemas that an editor reads for the files in stacks/, out of the one that is written: site.schema.json. */
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { schemaOf } from "../../modules/core/schema.ts";
import { secretsKey } from "../../modules/core/site-text.ts";

const draft = "https://json-schema.org/draft/2020-12/schema";

/** What only Sealift's own messages use would be told as unknown by some editors. */
const ownWords = new Set(["expected", "code", "todo", "apply", "since", "refused", "secret"]);

/** stacks/stack.schema.json: Pulumi's file around an environment. */
export function stackSchema(): object {
  const { $defs, ...environment } = plain(schemaOf("environment")) as Record<string, unknown>;
  delete environment["$schema"];
  return {
    $schema: draft,
    title: "stacks/Pulumi.<env>.yaml",
    type: "object",
    properties: { config: { type: "object", properties: { "sealift:site": environment } } },
    $defs,
  };
}

/** stacks/environment.schema.json: the text of a site in a file of its own. Its secrets are in the stack's file. */
export function environmentSchema(): object {
  const { properties, ...environment } = plain(schemaOf("environment")) as Record<string, object>;
  return {
    ...{ ...environment, $schema: draft, title: "stacks/<env>.site.yaml" },
    properties: Object.fromEntries(Object.entries(properties ?? {}).filter(([key]) => key !== secretsKey)),
  };
}

/** stacks/shared.schema.json: what environments share. */
export function sharedSchema(): object {
  return { $schema: draft, title: "stacks/site.yaml", ...(plain(schemaOf("shared")) as object) };
}

function plain(value: unknown, names = false): unknown {
  if (Array.isArray(value)) return value.map((item) => plain(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => names || !ownWords.has(key))
      // Below these the keys are names that a person writes.
      .map(([key, inner]) => [key, plain(inner, !names && (key === "properties" || key === "$defs"))]),
  );
}

/** A schema as its file in stacks/ is kept. */
export async function schemaText(schema: object): Promise<string> {
  const config = await resolveConfig(fileURLToPath(import.meta.url));
  return format(JSON.stringify(schema), { ...config, parser: "json" });
}

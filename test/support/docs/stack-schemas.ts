/** The schemas that an editor reads for the files in stacks/, out of the one that is written: site.schema.json. */
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { schemaOf } from "../../../modules/core/site/schema.ts";
import { secretsKey } from "../../../modules/core/site/site-text.ts";

const draft = "https://json-schema.org/draft/2020-12/schema";

/** Some editors would report what only Sealift's own messages use as unknown. */
const ownWords = new Set(["files", "expected", "code", "fix", "apply", "since", "refused", "secret"]);

/** By the name of their file in stacks/. */
export function editorSchemas(): Readonly<Record<string, object>> {
  return {
    "stack.schema.json": stackSchema(),
    "environment.schema.json": environmentSchema(),
    "shared.schema.json": sharedSchema(),
    "hosts.schema.json": hostsSchema(),
  };
}

/** stacks/stack.schema.json: Pulumi's file around an environment. */
function stackSchema(): object {
  const environment = plain(schemaOf("environment")) as Record<string, unknown>;
  delete environment["$schema"];
  return sharing({
    $schema: draft,
    title: "stacks/Pulumi.<env>.yaml",
    type: "object",
    properties: { config: { type: "object", properties: { "sealift:site": environment } } },
  });
}

/** stacks/environment.schema.json: the text of a site in a file of its own. Its secrets are in the stack's file. */
function environmentSchema(): object {
  const { properties, ...environment } = plain(schemaOf("environment")) as Record<string, object>;
  return {
    ...{ ...environment, $schema: draft, title: "stacks/<env>.site.yaml" },
    properties: Object.fromEntries(Object.entries(properties ?? {}).filter(([key]) => key !== secretsKey)),
  };
}

/** stacks/shared.schema.json: what environments share. */
function sharedSchema(): object {
  return sharing({ $schema: draft, title: "stacks/site.yaml", ...(plain(schemaOf("shared")) as object) });
}

/** stacks/hosts.schema.json: a list of hosts in a file of its own, which an environment names. */
function hostsSchema(): object {
  const description = "Hosts of an environment, each as below hosts in the site file.";
  const list = { type: "array", items: { $ref: "#/$defs/host" } };
  return sharing({ $schema: draft, title: "stacks/hosts/<name>.yaml", description, ...list });
}

/** Its definitions are those of an environment; editors resolve the name of a file beside it. */
function sharing(schema: object): object {
  const own = JSON.stringify(schema, (key, value: unknown) => (key === "$defs" ? undefined : value));
  return JSON.parse(own.replaceAll('"#/$defs/', '"environment.schema.json#/$defs/')) as object;
}

function plain(value: unknown, names = false): unknown {
  if (Array.isArray(value)) return value.map((item) => plain(item));
  if (typeof value !== "object" || value === null) return value;
  const { files, items, ...list } = value as Record<string, unknown>;
  if (!names && typeof files === "string")
    return plain({ ...list, items: { anyOf: [items, { type: "string", description: files }] } });
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

/** modules/core/pulumi/site-types.ts: the TypeScript types of a site, out of stacks/site.schema.json with the same descriptions. */
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { siteSchema } from "../../../modules/core/site/schema.ts";
import type { SchemaNode } from "./schema-node.ts";

/** Values that other resources of a program may determine, besides all secrets. */
const inputs: ReadonlySet<string> = new Set(["host.address", "host.port", "host.hostKey"]);

const head = `/**
 * A site as a program writes it. Written by \`npm run docs\` from stacks/site.schema.json, whose rules apply at run time as well.
 */
import type { Input } from "@pulumi/pulumi";
`;

/** The file, formatted as all files of the project are. @throws {Error} for a schema keyword that has no type. */
export async function siteTypes(schema: SchemaNode = siteSchema()): Promise<string> {
  const { $defs = {}, ...site } = schema;
  const layered = new Set(Object.keys($defs["class"]?.properties ?? {}));
  const types = Object.entries({ site, ...$defs })
    // The shared file is YAML in any case.
    .filter(([name]) => name !== "shared")
    .map(([name, node]) => declaration(name, node, name === "host" ? layered : new Set()));
  const config = await resolveConfig(fileURLToPath(import.meta.url));
  return format([head, ...types].join("\n"), { ...config, parser: "typescript" });
}

/** @param elsewhere keys that a class may have in place of the node. */
function declaration(name: string, node: SchemaNode, elsewhere: ReadonlySet<string>): string {
  const words = comment(node);
  const own = { ...node, required: (node.required ?? []).filter((key) => !elsewhere.has(key)) };
  const isInterface = node.type === "object" && node.properties !== undefined;
  const type = typeOf(own, name);
  return `${words}export ${isInterface ? `interface ${named(name)} ${type}` : `type ${named(name)} = ${type};`}\n`;
}

/** modules/sealift.ts exports them without the last word. */
function named(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
}

/** @param path names from the definition to the node. */
function typeOf(node: SchemaNode, path: string): string {
  const plain = plainTypeOf(node, path);
  return (node.secret === true && node.type === "string") || inputs.has(path) ? `Input<${plain}>` : plain;
}

function plainTypeOf(node: SchemaNode, path: string): string {
  if (node.$ref !== undefined) return named(node.$ref.replace("#/$defs/", ""));
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.enum !== undefined) return node.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (node.anyOf !== undefined) return node.anyOf.map((one) => typeOf(one, path)).join(" | ");
  if (Array.isArray(node.type))
    return node.type.map((type: string) => plainTypeOf({ ...node, type }, path)).join(" | ");
  switch (node.type) {
    case "object":
      return objectType(node, path);
    case "array":
      return `readonly (${node.items === undefined ? "unknown" : typeOf(node.items, path)}${node.files === undefined ? "" : " | string"})[]`;
    case "integer":
    case "number":
      return "number";
    case "string":
    case "boolean":
      return node.type;
    default:
      throw new Error(`${path}: no TypeScript type for ${JSON.stringify(node)}`);
  }
}

function objectType(
  { properties, required = [], propertyNames, additionalProperties }: SchemaNode,
  path: string,
): string {
  if (properties === undefined) {
    const value = typeof additionalProperties === "object" ? typeOf(additionalProperties, path) : "unknown";
    const names = propertyNames?.enum;
    return names === undefined
      ? `Readonly<Record<string, ${value}>>`
      : `Readonly<Partial<Record<${names.map((name) => JSON.stringify(name)).join(" | ")}, ${value}>>>`;
  }
  const members = Object.entries(properties).map(([key, node]) => {
    const optional = required.includes(key) ? "" : "?";
    return `${comment(node)}readonly ${JSON.stringify(key)}${optional}: ${typeOf(node, `${path}.${key}`)};`;
  });
  return `{\n${members.join("\n")}\n}`;
}

/** The description with default and example, as JSDoc has them. */
function comment({ description, default: fallback, examples = [] }: SchemaNode): string {
  if (description === undefined) return "";
  const [example] = examples;
  const lines = [
    description,
    ...(fallback === undefined ? [] : [`@default ${JSON.stringify(fallback)}`]),
    ...(example === undefined ? [] : [`@example ${JSON.stringify(example)}`]),
  ].map((line) => line.replaceAll("*/", "*\u200b/"));
  return lines.length === 1
    ? `/** ${lines.join("")} */\n`
    : `/**\n${lines.map((line) => ` * ${line}`).join("\n")}\n */\n`;
}

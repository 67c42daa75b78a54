/** The reference page of the site file, out of stacks/site.schema.json: the schema is its only source. */
import { format } from "prettier";
import { siteSchema } from "../../../modules/core/site/schema.ts";
import type { SchemaNode } from "./schema-node.ts";

const schema: SchemaNode = siteSchema();

/** The page as Markdown, formatted as all files of the project are. */
export function siteReference(): Promise<string> {
  return format(page(), { parser: "markdown" });
}

function page(): string {
  const chapters = [
    chapter("sealift:site", "`sealift:site`", schema),
    ...Object.entries(schema.$defs ?? {}).flatMap(([name, node]) => chapter(name, `\`${name}\``, node)),
  ];
  return [
    "# The site file",
    "",
    "Every key of `stacks/<env>.site.yaml`. A stack's own file may have the same keys below `sealift:site`. `npm run docs` generates",
    "this page from `stacks/site.schema.json`, the schema that Sealift checks these files with.",
    "",
    ...chapters.flat(),
  ].join("\n");
}

/** One table for the keys of an object, and one more for each object below it that has keys of its own. */
function chapter(path: string, title: string, node: SchemaNode): string[] {
  const object = objectOf(node);
  const keys = Object.entries(object?.properties ?? {});
  const lines = [`## ${title}`, "", node.description ?? "", ""];
  if (object === undefined || keys.length === 0) return [...lines, `- ${kind(node)}`, ""];
  const required = new Set(object.required);
  const rows = keys.map(([key, value]) => row(key, value, required.has(key)));
  const below = keys.flatMap(([key, value]) =>
    value.$ref === undefined && value.items?.$ref === undefined && objectOf(value)?.properties !== undefined
      ? chapter(`${path}.${key}`, `\`${path}.${key}\``, value)
      : [],
  );
  return [
    ...lines,
    "| key | value | default | description | example |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
    "",
    ...below,
  ];
}

function row(key: string, node: SchemaNode, required: boolean): string {
  const target = resolve(node);
  const description = node.description ?? target.description ?? "";
  const notes = [
    node.since === undefined ? "" : `From engine ${node.since} on.`,
    node.until === undefined ? "" : `Until engine ${node.until}.`,
    node.secret === true && !description.includes("A secret:")
      ? "A secret: set it only with `pulumi config set --secret`."
      : "",
  ].filter((note) => note !== "");
  const fallback = node.default === undefined ? (required ? "required" : "") : code(node.default);
  const example = (node.examples ?? target.examples)?.[0];
  const cells = [
    `\`${key}\``,
    kind(node),
    fallback,
    [description, ...notes].join(" "),
    example === undefined ? "" : code(example),
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
}

/** The value in words: a link for a section, the choices of an enum, the rule of a pattern. */
function kind(node: SchemaNode): string {
  if (node.$ref !== undefined) {
    const name = node.$ref.split("/").at(-1) ?? "";
    return resolve(node).properties === undefined && resolve(node).type !== "array"
      ? kind(resolve(node))
      : `[${name}](#${name.toLowerCase()})`;
  }
  if (node.enum !== undefined) return node.enum.map(code).join(", ");
  if (node.const !== undefined) return code(node.const);
  const choices = node.oneOf ?? node.anyOf;
  if (choices !== undefined) return node.expected ?? choices.map(kind).join(", or ");
  if (node.items !== undefined) return listOf(kind(node.items));
  if (node.expected !== undefined) return node.expected;
  if (node.minimum !== undefined || node.maximum !== undefined) return `${String(node.type)} ${range(node)}`;
  return node.type === undefined ? "any" : [node.type].flat().join(" or ");
}

function listOf(items: string): string {
  if (items === "object" || items === "string") return `list of ${items}s`;
  return items.startsWith("[") ? `list of ${items}` : `list; each entry: ${items}`;
}

function range({ minimum, maximum }: SchemaNode): string {
  if (maximum === undefined) return `from ${minimum ?? ""}`;
  return minimum === undefined ? `up to ${maximum}` : `${minimum} to ${maximum}`;
}

/** The object that a node is, or that the items of a list are. */
function objectOf(node: SchemaNode): SchemaNode | undefined {
  const target = resolve(node);
  if (target.properties !== undefined) return target;
  return target.items === undefined ? undefined : objectOf(target.items);
}

function resolve(node: SchemaNode): SchemaNode {
  const name = /^#\/\$defs\/(.*)$/.exec(node.$ref ?? "")?.[1];
  return name === undefined
    ? node
    : {
        ...schema.$defs?.[name],
        ...(node.description === undefined ? {} : { description: node.description }),
      };
}

function code(value: unknown): string {
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}

/** The keys of the site file as one list, to compare two versions of the schema and to name those that a site sets. Pure. */
import { isObject, type Values } from "./layers/values.ts";

/** The rule of each key, as JSON Schema without its texts, by path: `hosts[].address`, `classes.*.engine.version`. */
export type SiteKeys = Readonly<Record<string, string>>;

/** @param schema stacks/site.schema.json of any version. */
export function siteKeys(schema: Values): SiteKeys {
  const found = new Map<string, string>();
  walk(schema, "", { schema, found, open: [] });
  return Object.fromEntries([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

interface Walk {
  readonly schema: Values;
  readonly found: Map<string, string>;
  /** References that are being followed: a schema may refer to itself. */
  readonly open: readonly string[];
}

/** Keywords that contain further keys, and texts for people: no part of a key's own rule. */
const left = new Set([
  ...["properties", "patternProperties", "additionalProperties", "propertyNames", "items", "required"],
  ...["description", "examples", "title", "hints", "expected", "fix", "apply", "$defs", "$schema"],
]);
const choices = ["oneOf", "anyOf"];

function walk(written: unknown, path: string, all: Walk): void {
  if (!isObject(written)) return;
  const reference = typeof written["$ref"] === "string" ? written["$ref"] : undefined;
  if (reference !== undefined && all.open.includes(reference)) return;
  const node = reference === undefined ? written : { ...definition(reference, all.schema), ...written };
  const inner = reference === undefined ? all : { ...all, open: [...all.open, reference] };
  for (const branch of choices.flatMap((one) => listIn(node[one]))) walk(branch, path, inner);
  const required = listIn(node["required"]);
  for (const [key, value] of Object.entries(valuesIn(node["properties"])))
    keep(`${path}.${key}`, value, required.includes(key), inner);
  for (const value of [...Object.values(valuesIn(node["patternProperties"])), node["additionalProperties"]])
    if (isObject(value)) keep(`${path}.*`, value, false, inner);
  if (isObject(node["items"])) walk(node["items"], `${path}[]`, inner);
}

function keep(path: string, value: unknown, required: boolean, all: Walk): void {
  all.found.set(path.replace(/^\./, ""), rule(value, required, all.schema));
  walk(value, path, all);
}

function rule(written: unknown, required: boolean, schema: Values): string {
  if (!isObject(written)) return JSON.stringify(written);
  const reference = written["$ref"];
  const node =
    typeof reference === "string" ? { ...definition(reference, schema), ...written } : { ...written };
  const items = isObject(node["items"])
    ? { items: JSON.parse(rule(node["items"], false, schema)) as unknown }
    : {};
  const kept = Object.entries(node).filter(
    ([key, value]) => key !== "$ref" && !left.has(key) && !(choices.includes(key) && hasKeys(value)),
  );
  const own = [...kept, ...Object.entries(items)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify({ ...Object.fromEntries(own), ...(required ? { required: true } : {}) });
}

/** The branches of a choice that are objects have keys in the list themselves. */
function hasKeys(branches: unknown): boolean {
  return listIn(branches).some((one) => isObject(one) && ("properties" in one || "$ref" in one));
}

function definition(reference: string, schema: Values): Values {
  const name = /^#\/\$defs\/(.*)$/.exec(reference)?.[1];
  return name === undefined ? {} : valuesIn(valuesIn(schema["$defs"])[name]);
}

function valuesIn(value: unknown): Values {
  return isObject(value) ? value : {};
}

function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The keys that a site sets, by their paths in `keys`; one that `keys` does not have keeps its name. */
export function usedKeys(site: unknown, keys: SiteKeys): readonly string[] {
  const found = new Set<string>();
  const follow = (value: unknown, path: string): void => {
    if (Array.isArray(value)) for (const item of value) follow(item, `${path}[]`);
    if (!isObject(value)) return;
    for (const [key, inner] of Object.entries(value)) {
      const [named, any] = [`${path}.${key}`, `${path}.*`].map((one) => one.replace(/^\./, ""));
      const known = Object.hasOwn(keys, named ?? "") || !Object.hasOwn(keys, any ?? "") ? named : any;
      found.add(known ?? "");
      follow(inner, known ?? "");
    }
  };
  follow(site, "");
  return [...found].toSorted();
}

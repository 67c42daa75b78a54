/** Every place of a JSON schema in which a document may have one value or one name, and a document that has something there. */

/** What a schema node of ours may say. */
interface Node {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly patternProperties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: boolean | Node;
  readonly required?: readonly string[];
  readonly items?: Node;
  readonly anyOf?: readonly Node[];
  readonly oneOf?: readonly Node[];
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
}
type Root = Node & { readonly $defs?: Readonly<Record<string, Node>> };
type Path = readonly (string | number)[];

export interface SchemaPlace {
  /** Where the value stands; of a name, the map that has it. */
  readonly path: Path;
  /** key: the name in a map is chosen freely. value: any one value. */
  readonly kind: "value" | "key";
}

/** A name for a map whose names are free. */
export type NameFor = (path: Path) => string;

/** All of them, each once. Lists have one member, maps one name. */
export function schemaPlaces(root: Root, nameFor: NameFor): readonly SchemaPlace[] {
  const all = [...places(root, root, [], nameFor)];
  return [...new Map(all.map((place) => [JSON.stringify(place), place])).values()];
}

function* places(root: Root, node: Node, path: Path, nameFor: NameFor): Generator<SchemaPlace> {
  const { properties = {}, additionalProperties: more, items, anyOf = [], oneOf = [] } = node;
  if (node.$ref !== undefined) {
    yield* places(root, resolved(root, node), path, nameFor);
    return;
  }
  for (const branch of [...anyOf, ...oneOf]) yield* places(root, branch, path, nameFor);
  for (const [key, child] of Object.entries(properties)) yield* places(root, child, [...path, key], nameFor);
  const free = [...Object.values(node.patternProperties ?? {}), ...(typeof more === "object" ? [more] : [])];
  // A map of which the schema says nothing.
  const open = node.type === "object" && node.properties === undefined && more === undefined;
  if (free.length > 0 || open) yield { path, kind: "key" };
  for (const child of open ? [{}] : free) yield* places(root, child, [...path, nameFor(path)], nameFor);
  if (items !== undefined) yield* places(root, items, [...path, 0], nameFor);
  const composed = Object.keys(properties).length + free.length > 0 || open || items !== undefined;
  if (!composed && anyOf.length + oneOf.length === 0) yield { path, kind: "value" };
  // One that may also be a text, as `sudo: ALL`.
  else if ([node.type].flat().includes("string")) yield { path, kind: "value" };
}

function resolved(root: Root, { $ref = "" }: Node): Node {
  const node = root.$defs?.[$ref.replace("#/$defs/", "")];
  if (node === undefined) throw new TypeError(`no ${$ref} in the schema`);
  return node;
}

/**
 * The document with this text there; what is missing around it is taken from the examples of the schema.
 * @param base is not changed.
 */
export function documentWith(root: Root, base: unknown, { path, kind }: SchemaPlace, text: string): unknown {
  const put = (node: Node, value: unknown, [first, ...rest]: Path): unknown => {
    const known = node.$ref === undefined ? node : resolved(root, node);
    if (first === undefined) {
      if (kind === "value") return text;
      const [member = "x"] = Object.values(mapOf(root, known, value));
      return { [text]: member };
    }
    const whole = value ?? sample(root, known);
    const child = childOf(root, known, first);
    if (typeof first === "number") {
      const list = Array.isArray(whole) ? (whole as unknown[]) : [];
      return [put(child, list[first], rest), ...list.slice(1)];
    }
    const map = mapOf(root, known, whole);
    return { ...map, [first]: put(child, map[first], rest) };
  };
  return put(root, structuredClone(base), path);
}

function mapOf(root: Root, node: Node, value: unknown): Readonly<Record<string, unknown>> {
  const map = value ?? sample(root, node);
  return typeof map === "object" && map !== null && !Array.isArray(map) ? { ...map } : {};
}

function childOf(root: Root, node: Node, key: string | number): Node {
  for (const branch of [node, ...(node.anyOf ?? []), ...(node.oneOf ?? [])]) {
    const { additionalProperties: more, items, properties, patternProperties = {} } = branch;
    const child =
      typeof key === "number"
        ? items
        : (properties?.[key] ??
          Object.values(patternProperties)[0] ??
          (typeof more === "object" ? more : undefined));
    if (child !== undefined) return child.$ref === undefined ? child : resolved(root, child);
  }
  return {};
}

/** A value that fits, as the schema's own examples have it. */
function sample(root: Root, node: Node): unknown {
  const known = node.$ref === undefined ? node : resolved(root, node);
  if (known.examples?.[0] !== undefined) return structuredClone(known.examples[0]);
  if (known.items !== undefined) return [sample(root, known.items)];
  if (known.enum !== undefined) return known.enum[0];
  const needed = (known.required ?? []).map((key) => [key, sample(root, known.properties?.[key] ?? {})]);
  return known.properties === undefined && known.additionalProperties === undefined
    ? undefined
    : (Object.fromEntries(needed) as object);
}

/** JSON that somebody else may have written: parsed without exceptions, and validated before it is used. */

/** The value of a text; undefined when it is not JSON in UTF-8. */
export function jsonOf(text: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text)) as unknown;
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A length or number as JSON may contain one: whole, not negative, exact. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/**
 * Names of fields by the path of their object: its keys joined with a slash, empty for the outermost object. Lists add nothing.
 */
export type Fields = ReadonlyMap<string, readonly string[]>;

interface OpenValue {
  readonly path: string;
  /** Of an object: its keys so far, case-folded. */
  readonly seen: Set<string> | undefined;
  key: string;
  awaitsKey: boolean;
}

/**
 * The first key that is repeated, in whatever case, or that is the name of a field in another case. For objects without fields,
 * such as labels and annotations, any key is allowed once.
 *
 * @param text JSON; for any other text the result is meaningless.
 */
export function ambiguousKey(text: string, fields: Fields): string | undefined {
  const open: OpenValue[] = [];
  for (let at = 0; at < text.length; at++) {
    const one = text[at];
    const inner = open.at(-1);
    if (one === "{" || one === "[") {
      const isObject = one === "{";
      open.push({ path: below(inner), seen: isObject ? new Set() : undefined, key: "", awaitsKey: isObject });
    } else if (one === "}" || one === "]") open.pop();
    else if (one === "," && inner !== undefined) inner.awaitsKey = inner.seen !== undefined;
    else if (one === '"') {
      const end = endOfString(text, at);
      if (inner?.seen !== undefined && inner.awaitsKey) {
        inner.key = String(JSON.parse(text.slice(at, end + 1)));
        inner.awaitsKey = false;
        if (isAmbiguous(inner.key, inner.seen, fields.get(inner.path))) return inner.key;
      }
      at = end;
    }
  }
  return undefined;
}

function below(outer: OpenValue | undefined): string {
  if (outer?.seen === undefined) return outer?.path ?? "";
  return outer.path === "" ? outer.key : `${outer.path}/${outer.key}`;
}

function isAmbiguous(key: string, seen: Set<string>, names: readonly string[] | undefined): boolean {
  if (names === undefined) return false;
  const folded = inOneCase(key);
  if (seen.has(folded)) return true;
  seen.add(folded);
  return names.some((name) => name !== key && inOneCase(name) === folded);
}

/** As Go folds case: ſ equals s, the Kelvin sign equals k. */
function inOneCase(text: string): string {
  return text.toUpperCase().toLowerCase();
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}

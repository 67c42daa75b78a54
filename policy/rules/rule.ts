/** What a rule sees of a resource, and how it reads it. Pure. */

/** The inputs of a resource, as Pulumi gives them to a policy. */
export interface RuleResource {
  /** `docker:index/container:Container`. */
  readonly type: string;
  readonly name: string;
  readonly urn: string;
  readonly props: Readonly<Record<string, unknown>>;
}

/** @returns a sentence for each violation. */
export type Rule = (resource: RuleResource) => readonly string[];

/** Whether a command belongs to a phase of a host of Sealift: the URN contains the types of all parents. */
export function isSealifts({ urn }: Pick<RuleResource, "urn">): boolean {
  return /::(?:[^:]+:[^:$]+:[^:$]+\$)*sealift:[a-z]+:[A-Za-z]+\$[^:]+:[^:$]+:[^:$]+::/.test(urn);
}

/**
 * All texts of a value; a list of texts, such as the words of a command, is also one text. Base64 is decoded: cloud-init arrives in it.
 * What a preview does not know is left out, and seen by the update.
 */
function textsOf(value: unknown): readonly string[] {
  if (typeof value === "string") return [value, ...decoded(value)];
  if (typeof value !== "object" || value === null) return [];
  const members = Object.keys(value).map((key) => known(value, key));
  const words = Array.isArray(value) && members.every((one) => typeof one === "string");
  return [...(words ? [members.join(" ")] : []), ...members.flatMap(textsOf)];
}

/** What one of the patterns finds first in the texts of a value, at most 80 characters. */
export function firstMatch(value: unknown, patterns: readonly RegExp[]): string | undefined {
  for (const text of textsOf(value))
    for (const pattern of patterns) {
      const [found] = pattern.exec(text) ?? [];
      if (found !== undefined) return found.trim().slice(0, 80);
    }
  return undefined;
}

/** The policy SDK throws when a value is read that a preview does not know (@pulumi/policy 1.21, proxy.js). */
function known(value: object, key: string): unknown {
  try {
    return (value as Readonly<Record<string, unknown>>)[key];
  } catch (error) {
    if (error instanceof Error && "unknownTypeSentinel" in error) return undefined;
    throw error;
  }
}

function decoded(text: string): readonly string[] {
  const compact = text.replaceAll(/\s/g, "");
  if (compact.length < 16 || !/^[A-Za-z0-9+/]+={0,2}$/.test(compact)) return [];
  return [Buffer.from(compact, "base64").toString("utf8")];
}

/** A member of nested objects; undefined when there is none. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value,
  );
}

/** Also numbers that a provider takes as text. */
export function isPositive(value: unknown): boolean {
  return (typeof value === "number" || typeof value === "string") && Number(value) > 0;
}

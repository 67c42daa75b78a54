/** Public keys as they come out of a `.pub` file, or of YAML's `|`: with a line end, and a host's with a comment. Pure. */

/**
 * The same value without the line ends of keys, and without the comment of a host's key, which says nothing of the host.
 * @param value a site or a part of one, whatever is in it.
 */
export function withPastedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withPastedKeys);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, tidied(key, one)]));
}

function tidied(key: string, value: unknown): unknown {
  if (key === "hostKey" && typeof value === "string")
    return /^(ssh|ecdsa)-\S+ \S+(?=\s)/.exec(value)?.[0] ?? value;
  if (key === "authorizedKeys" && Array.isArray(value))
    return value.map((one: unknown) => (typeof one === "string" ? one.replace(/\r?\n$/, "") : one));
  return withPastedKeys(value);
}

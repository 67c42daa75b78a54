/**
 * Public keys as pasted from a `.pub` file, from ssh-keyscan or known_hosts, or from a YAML block scalar: with blanks or a line end around it, several
 * blanks or a tab in it, and a host key with its host or a comment. Pure.
 */

/**
 * The same value with keys in their plain form, and without what stands before and after a host key, which is irrelevant.
 *
 * @param value a site or a part of one, unvalidated.
 */
export function withPastedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withPastedKeys);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, trimmedKeys(key, one)]));
}

function trimmedKeys(key: string, value: unknown): unknown {
  if (key === "hostKey" && typeof value === "string") return hostKeyIn(value);
  if (key === "authorizedKeys" && Array.isArray(value))
    return value.map((one: unknown) => (typeof one === "string" ? plain(one) : one));
  return withPastedKeys(value);
}

/** @returns the text as it is unless it is one line that begins with a key, or with a host and a key. */
function hostKeyIn(text: string): string {
  const words = plain(text).split(" ");
  const at = words.findIndex((word) => /^(ssh|ecdsa)-/.test(word));
  const [type, blob] = words.slice(at);
  return at < 0 || at > 1 || blob === undefined || /[\r\n]/.test(text.trim())
    ? text
    : `${type ?? ""} ${blob}`;
}

/** One blank after the type. */
function plain(key: string): string {
  return key.trim().replace(/^(\S+)[ \t]+/, "$1 ");
}

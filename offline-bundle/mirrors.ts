/** Other places of the same bytes: the pin says whether they are right, so a place need not be trusted. */

/** From the beginning of a url to the beginnings that may stand in its place, in the order in which they are tried. */
export type Mirrors = Readonly<Record<string, readonly string[]>>;

/**
 * Where the bytes of a url may be had, in the order to try. The longest matching prefix counts. The url itself comes first,
 * unless the list names its own prefix: then it comes where it stands there.
 */
export function placesOf(url: string, mirrors: Mirrors): readonly string[] {
  const [prefix] = Object.keys(mirrors)
    .filter((one) => url.startsWith(one))
    .sort((a, b) => b.length - a.length);
  if (prefix === undefined) return [url];
  const rest = url.slice(prefix.length);
  const others = (mirrors[prefix] ?? []).map((other) => other + rest);
  return [...new Set(others.includes(url) ? others : [url, ...others])];
}

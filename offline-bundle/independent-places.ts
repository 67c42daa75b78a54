/** Who says the sha256 of a pin: what one party has written in two places, it has said once. */
import { computedHere, type LockedFile } from "./lock-file.ts";

/** Places beside the one that the bytes come from. Of a file's own server, and of this machine, the word is no second one. */
export function independentPlaces({ url, sources }: Pick<LockedFile, "url" | "sources">): readonly string[] {
  const own = placeOf(url);
  return placesOf(sources).filter((place) => place !== own && place !== computedHere);
}

/** Each party once. */
export function placesOf(sources: readonly string[]): readonly string[] {
  return [...new Set(sources.map(placeOf))];
}

/**
 * Of a URL its origin, on GitHub its owner; of a repository of GitHub that is written without a host (`owner/name path`) its owner;
 * of an artifact its registry; of anything else its first word, or the host that this begins with.
 */
export function placeOf(source: string): string {
  const [word = source] = source.split(" ");
  const repository = /^([\w-]+)\/[\w.-]+$/.exec(word)?.[1];
  if (repository !== undefined) return github(repository);
  if (word.startsWith("oci:")) return word.slice(0, `${word}/`.indexOf("/")).toLowerCase();
  if (!/^https?:/i.test(word) || !URL.canParse(word)) return word.replace(/^([\w-]+\.[\w.-]+)\/.*$/, "$1");
  const { host, origin, pathname } = new URL(word);
  const page = /^([\w-]+)\.github\.io$/.exec(host)?.[1];
  const owner = githubHosts.has(host) ? pathname.split("/")[host === "api.github.com" ? 2 : 1] : page;
  return owner === undefined ? origin : github(owner);
}

const githubHosts = new Set([
  "github.com",
  "www.github.com",
  "api.github.com",
  "codeload.github.com",
  "raw.githubusercontent.com",
]);

function github(owner: string): string {
  return `github.com/${owner.toLowerCase()}`;
}

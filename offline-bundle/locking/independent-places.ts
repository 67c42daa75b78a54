/** Which parties attest the sha256 of a pin: two files of one party are one attestation. */
import { selfComputed, type LockedFile } from "../spec/lock-file.ts";

/** Parties other than the one that serves the bytes. The file's own server and this machine are not independent. */
export function independentPlaces({ url, sources }: Pick<LockedFile, "url" | "sources">): readonly string[] {
  const own = sourceHostOf(url);
  return sourceHostsOf(sources).filter((place) => place !== own && place !== selfComputed);
}

/** Each party once. */
export function sourceHostsOf(sources: readonly string[]): readonly string[] {
  return [...new Set(sources.map(sourceHostOf))];
}

/**
 * The party of a source: of a URL its origin, on GitHub its owner; of a GitHub repository written without a host (`owner/name
 * path`) its owner; of an OCI artifact its registry; otherwise its first word, or the host with which that begins.
 */
function sourceHostOf(source: string): string {
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

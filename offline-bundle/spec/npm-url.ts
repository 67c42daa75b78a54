/** `npm:<name>@<version>` and `npm:<name>@file:<path>`: the source of an npm package in the lock. Pure. */

export interface NpmUrl {
  /** With its scope: `@pulumi/pulumi`. */
  readonly name: string;
  /** Absent of a tarball. */
  readonly version?: string;
  /** Path of a tarball, relative to package-lock.json; absent of a package from a registry. */
  readonly tarball?: string;
}

/** @returns undefined for another URL. */
export function readNpmUrl(url: string): NpmUrl | undefined {
  if (!url.startsWith(scheme)) return undefined;
  const spec = npmSpec(url);
  // The @ of a scope comes first.
  const at = spec.indexOf("@", 1);
  if (at < 0) return undefined;
  const [name, source] = [spec.slice(0, at), spec.slice(at + 1)];
  return source.startsWith(local) ? { name, tarball: source.slice(local.length) } : { name, version: source };
}

/** As npm takes it on its command line: `@pulumi/pulumi@3.259.0`. */
export function npmSpec(url: string): string {
  return url.slice(scheme.length);
}

const scheme = "npm:";
const local = "file:";

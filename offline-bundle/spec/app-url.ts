/** `app:<path of the Compose file>`, relative to bundle.yaml: the source of an application in the lock. Pure. */

const scheme = "app:";

export function appUrl(compose: string): string {
  return `${scheme}${compose}`;
}

/** The path; undefined of another URL. */
export function composePath(url: string): string | undefined {
  return url.startsWith(scheme) ? url.slice(scheme.length) : undefined;
}

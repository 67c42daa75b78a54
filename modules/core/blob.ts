/** Bytes of the bundle that a host needs, as the lock pins them. */

export interface Blob {
  readonly sha256: string;
  readonly bytes: number;
  /** Where the bytes lie on the operator's machine. */
  readonly path: string;
}

/** A program archive: the blob, and each of its files by sha256. */
export interface Archive extends Blob {
  readonly version: string;
  readonly members: readonly { readonly path: string; readonly sha256: string }[];
}

/** A program that is one file: a plugin of the docker command. */
export interface Binary extends Blob {
  readonly name: string;
  readonly version: string;
}

/** What one host takes out of the bundle. */
export interface HostFiles {
  readonly archive: Archive;
  readonly plugins: readonly Binary[];
  /** The program of the registry, on a host that runs it. */
  readonly registry?: Archive;
  /** Other versions that the bundle holds: what a host keeps of them is not sent again when it goes back. */
  readonly others?: readonly Blob[];
}

/** Where a blob arrives, relative to the login's home. */
export function arrivalPath(sha256: string): string {
  return `.sealift/blobs/${sha256}`;
}

/** Where the host keeps it from then on: a rollback needs no network. */
export function keptPath(sha256: string): string {
  return `/var/lib/sealift/blobs/${sha256}`;
}

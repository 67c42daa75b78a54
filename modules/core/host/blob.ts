/** A file of the bundle that a host needs, as pinned in the lock. */

export interface Blob {
  readonly sha256: string;
  readonly bytes: number;
  /** Path on the operator's machine. */
  readonly path: string;
}

/** An archive of programs: the blob, and each of its files by sha256. */
export interface Archive extends Blob {
  readonly version: string;
  readonly members: readonly { readonly path: string; readonly sha256: string }[];
}

/** A single program: a plugin of the docker command. */
export interface Binary extends Blob {
  readonly name: string;
  readonly version: string;
}

/** The files that a host gets from the bundle. */
export interface HostFiles {
  readonly archive: Archive;
  readonly plugins: readonly Binary[];
  /** The program of the registry, on a host that runs it. */
  readonly registry?: Archive;
  /** Other versions in the bundle: those that the host keeps need not be sent again on a rollback. */
  readonly others?: readonly Blob[];
}

/** Where a blob arrives, relative to the SSH user's home. */
export function uploadPath(sha256: string): string {
  return `.sealift/blobs/${sha256}`;
}

/** Where the host stores it afterwards: a rollback needs no network. */
export function storePath(sha256: string): string {
  return `/var/lib/sealift/blobs/${sha256}`;
}

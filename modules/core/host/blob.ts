/** A file of the bundle that a host needs, as pinned in the lock. */
import type { DatabaseEngine } from "../site/site-spec.ts";
import type { ComposeProject } from "./compose-project.ts";

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

/** An image that a host must hold, as pinned in the lock. */
export interface HostImage {
  /** Full name with registry and tag. */
  readonly name: string;
  /** Of its manifest or index. */
  readonly sha256: string;
  /** What is sent to a host without a registry. Absent: the host pulls it, or the bundle itself was not read. */
  readonly content?: SentImage;
}

/** The part of an image that engines of one platform need. */
export interface SentImage {
  /** Media type of its manifest or index, and its length in bytes. */
  readonly mediaType: string;
  readonly bytes: number;
  /** Manifests, config and layers, each once. */
  readonly blobs: readonly Blob[];
}

/** A release of an application, as pinned in the lock. */
export interface HostApp {
  readonly name: string;
  /** The files of its project, a tar archive. */
  readonly archive: Archive;
  readonly project: ComposeProject;
  /** Of its services. */
  readonly images: readonly HostImage[];
  /** Services whose image is a database of a known version. Default none. */
  readonly databases?: readonly AppDatabase[];
}

/** What a service of an application runs, as its image says. */
export interface AppDatabase {
  readonly service: string;
  readonly engine: DatabaseEngine;
  /** `17`, `11.8`: data of another one has to be converted. */
  readonly major: string;
}

/** A secret of an application on a host: a file of the repository, encrypted for the host. */
export interface HostSecret extends Blob {
  readonly app: string;
  /** Its name in the Compose file. */
  readonly name: string;
  /** `uid:gid` of the decrypted file. */
  readonly owner: string;
  /** Four octal digits. */
  readonly mode: string;
}

/** In place of an application: passwords of repositories. No application can have this name. */
export const backupApp = "_backup";

/** Where a host has it decrypted: another path when the encrypted file is another one. */
export function secretPath({ app, name, sha256 }: Pick<HostSecret, "app" | "name" | "sha256">): string {
  return `/run/sealift/secrets/${app}/${name}.${sha256.slice(0, 8)}`;
}

/** The files that a host gets: all but the secrets are from the bundle. */
export interface HostFiles {
  readonly archive: Archive;
  readonly plugins: readonly Binary[];
  /** Images that its engine must hold. Default none. */
  readonly images?: readonly HostImage[];
  /** Releases of the applications that run on it, in the order of the site. Default none. */
  readonly apps?: readonly HostApp[];
  /** Releases of the applications of a swarm, on each of its managers. Default none. */
  readonly stacks?: readonly HostApp[];
  /** Secrets of these applications. Default none. */
  readonly secrets?: readonly HostSecret[];
  /** The program that decrypts them, on a host that has any. */
  readonly age?: Archive;
  /** Releases of applications whose restore is rehearsed on the host, in the order of its rehearsals. Default none. */
  readonly rehearsed?: readonly HostApp[];
  /** The program that makes backups, on a host that makes or stores any. */
  readonly restic?: Archive;
  /** The server of a store, on a host that stores backups. */
  readonly restServer?: Archive;
  /** The program of the registry, on a host that runs it. */
  readonly registry?: Archive;
  /** Other versions in the bundle, also of its applications: those that the host keeps need not be sent again on a rollback. */
  readonly others?: readonly Blob[];
  /** Images of other versions of its applications, for the same reason. Default none. */
  readonly otherImages?: readonly HostImage[];
}

/** Where a blob arrives, relative to the SSH user's home. */
export function uploadPath(sha256: string): string {
  return `.sealift/blobs/${sha256}`;
}

/** Where the host stores it afterwards: a rollback needs no network. */
export function storePath(sha256: string): string {
  return `/var/lib/sealift/blobs/${sha256}`;
}

/** Where the manifests and small blobs of an image are read: a repository of a registry, by oras, or an OCI layout on this machine. */
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { inside } from "./inside.ts";
import { limits } from "./limits.ts";
import { manifestBytesAt } from "./manifest-at.ts";
import { hexOf } from "./manifests.ts";
import { orasBytes, undefinedWhenAbsent } from "./oras.ts";
import { printable } from "./printable.ts";
import { readRegular } from "./regular-file.ts";

export interface ImageSource {
  /** What people call it. */
  readonly place: string;
  /** The bytes under a digest, unchecked; undefined when it does not have them. */
  readonly manifest: (digest: string) => Promise<Buffer | undefined>;
  readonly config: (digest: string) => Promise<Buffer | undefined>;
  /** Length of a blob, undefined when it is not there; absent where one would have to ask for each. */
  readonly length?: (digest: string) => Promise<number | undefined>;
}

/** @param repository registry and repository, without tag and digest. What it throws is E_DOWNLOAD, E_TOOL. */
export function registrySource(repository: string): ImageSource {
  const options = { code: "E_DOWNLOAD", most: limits.manifest } as const;
  return {
    place: repository,
    manifest: (digest) => manifestBytesAt(`${repository}@${digest}`).catch(undefinedWhenAbsent),
    config: (digest) =>
      orasBytes(
        ["blob", "fetch", "--no-tty", "--output", "-"],
        [`${repository}@${digest}`],
        ".",
        options,
      ).catch(undefinedWhenAbsent),
  };
}

/** @param directory real path of the layout. */
export function layoutSource(directory: string): ImageSource {
  const path = (digest: string): string => join(directory, inside.blobs, hexOf(digest));
  const read = (digest: string): Promise<Buffer | undefined> =>
    readRegular(path(digest), limits.manifest, "refuse").catch(undefinedWhenNoFile);
  return {
    place: printable(directory),
    manifest: read,
    config: read,
    length: (digest) =>
      lstat(path(digest)).then(
        (found) => (found.isFile() ? found.size : undefined),
        () => undefined,
      ),
  };
}

/** For a catch. What is no regular file, or too long for a manifest, is not there either. */
function undefinedWhenNoFile(): undefined {
  return undefined;
}

/** Source of the manifests and small blobs of an image: a repository of a registry, read by oras, or a local OCI layout. */
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { inside } from "../io/inside.ts";
import { limits } from "../io/limits.ts";
import { manifestBytesAt } from "../oci/manifest-at.ts";
import { hexOf } from "../oci/manifests.ts";
import { orasBytes, undefinedWhenAbsent } from "../oci/oras.ts";
import { printable } from "../io/printable.ts";
import { readRegular } from "../io/regular-file.ts";

export interface ImageSource {
  /** Name for messages. */
  readonly place: string;
  /** The bytes of a digest, unchecked; undefined when the source does not have them. */
  readonly manifest: (digest: string) => Promise<Buffer | undefined>;
  readonly config: (digest: string) => Promise<Buffer | undefined>;
  /** Length of a blob, undefined when it is missing; the function is absent where every blob would need a request. */
  readonly length?: (digest: string) => Promise<number | undefined>;
}

/** @param repository registry and repository, without tag and digest. Throws E_DOWNLOAD, E_TOOL. */
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

/** For a catch. Anything but a regular file, or a file too long for a manifest, is treated as missing. */
function undefinedWhenNoFile(): undefined {
  return undefined;
}

/** Fetches an image into the cache: `<store>/images/<digest>` is an OCI layout with this image alone. */
import { access, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { hexDigits } from "../io/digest.ts";
import { firstMirror } from "../spec/mirrors.ts";
import { inside } from "../oci/layout.ts";
import type { LockedImage } from "../spec/lock-file.ts";
import { hexOf } from "../oci/manifests.ts";
import type { Sources } from "./fetch-file.ts";
import { referencesOf, repositoryOf } from "../spec/oci-reference.ts";
import { oras } from "../oci/oras.ts";

/**
 * Copies an image from a registry by its digest, unless it is cached. An interrupted copy keeps the blobs that it has.
 *
 * @returns the layout.
 * @throws {SealiftError} E_DOWNLOAD of every source, E_NO_SPACE, E_TOOL.
 */
export async function fetchImage(
  { name, digest }: Pick<LockedImage, "name" | "digest">,
  { store, mirrors, warn, retryPolicy }: Pick<Sources, "store" | "mirrors" | "warn" | "retryPolicy">,
): Promise<string> {
  const layout = join(store, "images", hexDigits(hexOf(digest)));
  if (await exists(layout)) return layout;
  const part = `${layout}.part`;
  await mkdir(part, { recursive: true });
  await removeBrokenIndex(part);
  await firstMirror(
    referencesOf(name, mirrors),
    (place) =>
      oras(
        ["copy", "--no-tty", "--to-oci-layout-path", "."],
        [`${repositoryOf(place)}@${digest}`, name],
        part,
        { code: "E_DOWNLOAD", grows: { path: part, ...(retryPolicy === undefined ? {} : { retryPolicy }) } },
      ),
    warn,
  );
  await rename(part, layout);
  return layout;
}

/** Layout of an image, if it is cached. */
export async function storedImage(store: string, digest: string): Promise<string | undefined> {
  const layout = join(store, "images", hexDigits(hexOf(digest)));
  return (await exists(layout)) ? layout : undefined;
}

/** oras does not write the index atomically: when it was killed meanwhile, the index is invalid and is removed. */
async function removeBrokenIndex(part: string): Promise<void> {
  for (const name of [inside.index, inside.marker]) {
    const text = await readFile(join(part, name), "utf8").catch(() => undefined);
    try {
      if (text !== undefined) JSON.parse(text);
    } catch {
      await rm(join(part, name));
    }
  }
  await rm(join(part, "ingest"), { recursive: true, force: true });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

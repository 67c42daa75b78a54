/** Brings an image into the store: `<store>/images/<digest>` is an OCI layout with it and nothing else. */
import { access, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { hexDigits } from "./digest.ts";
import { firstPlace } from "./first-place.ts";
import { inside } from "./layout.ts";
import type { LockedImage } from "./lock-file.ts";
import { hexOf } from "./manifests.ts";
import type { Sources } from "./obtain-file.ts";
import { referencesOf, repositoryOf } from "./oci-reference.ts";
import { oras } from "./oras.ts";

/**
 * Copies an image of a registry by its digest, unless it is here. A copy that was cut off keeps the blobs it has.
 *
 * @returns the layout.
 * @throws {SealiftError} E_DOWNLOAD of every place, E_SPACE, E_TOOL.
 */
export async function obtainImage(
  { name, digest }: Pick<LockedImage, "name" | "digest">,
  { store, mirrors, warn, patience }: Pick<Sources, "store" | "mirrors" | "warn" | "patience">,
): Promise<string> {
  const layout = join(store, "images", hexDigits(hexOf(digest)));
  if (await exists(layout)) return layout;
  const part = `${layout}.part`;
  await mkdir(part, { recursive: true });
  await mendIndex(part);
  await firstPlace(
    referencesOf(name, mirrors),
    (place) =>
      oras(
        ["copy", "--no-tty", "--to-oci-layout-path", "."],
        [`${repositoryOf(place)}@${digest}`, name],
        part,
        { code: "E_DOWNLOAD", grows: { path: part, ...(patience === undefined ? {} : { patience }) } },
      ),
    warn,
  );
  await rename(part, layout);
  return layout;
}

/** Where an image is, if it is in the store. */
export async function storedImage(store: string, digest: string): Promise<string | undefined> {
  const layout = join(store, "images", hexDigits(hexOf(digest)));
  return (await exists(layout)) ? layout : undefined;
}

/** oras does not write the index in one step: what it was writing when it was killed is no index. */
async function mendIndex(part: string): Promise<void> {
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

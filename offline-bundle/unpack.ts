/** Makes a bundle directory out of a carried bundle. */
import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import { takeFromBase } from "./base.ts";
import { blaming, openCarried } from "./carried-source.ts";
import { blobPathIn } from "./layout.ts";
import { lookupIn } from "./lookup.ts";
import { readCarried } from "./read-carried.ts";
import { ownFolder, refuseForeign, replaceBundle } from "./replace-bundle.ts";
import { requireRoom, withinRoom } from "./room.ts";
import { type VerifiedBundle, verifyBundle, type VerifyOptions } from "./verify.ts";

export interface UnpackOptions extends VerifyOptions {
  /** Directory of an earlier bundle that has what a delta leaves out. */
  readonly base?: string;
}

/**
 * Unpacks and verifies in one pass: each byte is hashed once, while it comes in. Everything happens in
 * `<directory>.part`; the bundle appears whole and verified, or not at all. A bundle that is there already is replaced.
 *
 * @param file the carried bundle, its list of parts, or its first part.
 * @throws {SealiftError} what {@link verifyBundle} throws; E_BUNDLE_PART (a part is missing, cut, or of another bundle),
 * E_ARCHIVE (something in it does not belong there), E_BUNDLE_BASE, E_SPACE; E_VALUE when `directory` is no bundle.
 */
export async function unpackBundle(
  file: string,
  directory: string,
  options: UnpackOptions,
): Promise<VerifiedBundle> {
  const target = resolve(directory);
  await refuseForeign(target);
  const source = await openCarried(file);
  const part = `${target}.part`;
  await rm(part, { recursive: true, force: true });
  try {
    const verified = await withinRoom(target, async () => {
      await ownFolder(part);
      return blaming(source, part, async () => {
        const read = await readCarried(source, part, {
          ...options,
          keep: true,
          known: async (coming, delta, lacking) => {
            const copied =
              options.base === undefined ? 0 : lacking.reduce((sum, { bytes }) => sum + bytes, 0);
            await requireRoom([{ what: "the bundle", path: part, bytes: coming + copied }]);
            return delta === undefined ? new Map() : takeFromBase(options.base, delta, lacking, part);
          },
        });
        return verifyBundle(part, options, read);
      });
    });
    await replaceBundle(target, part);
    // As it was read on the way in: it is here under its own name now.
    const blobPath = blobPathIn(directory);
    return { ...verified, ...lookupIn(verified.lock, blobPath), directory, blobPath };
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw error;
  }
}

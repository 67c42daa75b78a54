/** A file that is the only layer of an OCI artifact in a registry, as `oras push` creates it. */
import { rm } from "node:fs/promises";
import { SealiftError } from "../../modules/core/errors.ts";
import { digestOf } from "../io/digest.ts";
import { digestAt, manifestAt } from "../oci/manifest-at.ts";
import { hexOf } from "../oci/manifests.ts";
import { isTag, repositoryOf } from "../spec/oci-reference.ts";
import { oras } from "../oci/oras.ts";
import type { RetryPolicy } from "../http/retry-policy.ts";
import { acceptDownload, arrivingPath, addToCache, cachedFile, type CachedFile } from "./download-cache.ts";

/** The pin of such a file: its bytes, and the manifest that its tag pointed to. */
export interface OciPin {
  readonly sha256: string;
  /** Length; absent in a lock that was written without the file. */
  readonly bytes?: number;
  /** `sha256:…` */
  readonly manifest: string;
}

/** The manifest digest that a reference points to. @throws {SealiftError} E_DOWNLOAD, E_TOOL */
export async function resolveOci(reference: string): Promise<string> {
  return digestAt(reference);
}

/**
 * Fetches the file into the cache by its digest.
 *
 * @param pin the expected file; undefined: the current target of the reference.
 * @param most bytes, where no length is pinned.
 * @throws {SealiftError} E_DOWNLOAD; E_PIN_MISMATCH when the artifact does not have exactly one layer; E_DOWNLOAD_SHA256.
 */
export async function fetchOciFile(
  reference: string,
  store: string,
  title: string,
  pin: OciPin | undefined,
  most: number,
  retryPolicy?: RetryPolicy,
): Promise<CachedFile & { readonly manifest: string }> {
  const { sha256, bytes, manifest } = pin ?? (await resolve(reference, most));
  const here = await cachedFile(store, sha256, title);
  if (here !== undefined) return { ...here, manifest };
  const arriving = await arrivingPath(store, sha256);
  // oras writes into existing files; the leftover of an earlier run may have any content.
  await rm(arriving, { force: true });
  const blob = `${repositoryOf(reference)}@sha256:${sha256}`;
  const grows = {
    ...{ path: arriving, most: bytes ?? most },
    ...(retryPolicy === undefined ? {} : { retryPolicy }),
  };
  const options = { code: "E_DOWNLOAD", grows } as const;
  try {
    await oras(["blob", "fetch", "--no-tty", "--output", arriving], [blob], store, options);
  } catch (error) {
    await rm(arriving, { force: true });
    throw error;
  }
  const digest = await digestOf(arriving);
  await acceptDownload(reference, arriving, digest, sha256);
  return { ...(await addToCache(store, title, arriving, digest)), manifest };
}

async function resolve(reference: string, most: number): Promise<OciPin> {
  const manifest = isTag(reference) ? await resolveOci(reference) : reference.replace(/^.*@/, "");
  const { layers = [] } = await manifestAt(`${repositoryOf(reference)}@${manifest}`);
  const [layer] = layers;
  if (layer === undefined || layers.length > 1) {
    const found = `${layers.length} layers`;
    const expected = "an OCI artifact with exactly one layer: the file";
    const fix = "push it with: oras push <name> <file>; an image belongs under images:";
    throw new SealiftError([
      { where: reference, code: "E_PIN_MISMATCH", subject: "layers", found, expected, fix },
    ]);
  }
  if (layer.size > most) {
    const [found, expected] = [
      `a layer of ${layer.size} bytes`,
      `at most ${most} bytes for a file without a pinned length`,
    ];
    const fix = "ask the registry administrator, or add bytes: and sha256: of the file to the lock";
    throw new SealiftError([
      { where: reference, code: "E_DOWNLOAD", subject: "bytes", found, expected, fix },
    ]);
  }
  return { sha256: hexOf(layer.digest), bytes: layer.size, manifest };
}

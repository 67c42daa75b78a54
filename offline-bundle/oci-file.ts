/** A file that is the one layer of an OCI artifact in a registry, as `oras push` makes it. */
import { rm } from "node:fs/promises";
import { SealiftError } from "../modules/core/errors.ts";
import { digestOf } from "./digest.ts";
import { digestAt, manifestAt } from "./manifest-at.ts";
import { hexOf } from "./manifests.ts";
import { isTag, repositoryOf } from "./oci-reference.ts";
import { oras } from "./oras.ts";
import type { Patience } from "./patience.ts";
import { accept, arrivingPath, keep, kept, type Obtained } from "./store.ts";

/** What pins such a file: its bytes, and the manifest that its tag stood for. */
export interface OciPin {
  readonly sha256: string;
  /** Its length; absent in a lock that has not seen it. */
  readonly bytes?: number;
  /** `sha256:…` */
  readonly manifest: string;
}

/** The digest of the manifest that a reference stands for. @throws {SealiftError} E_DOWNLOAD, E_TOOL */
export async function resolveOci(reference: string): Promise<string> {
  return digestAt(reference);
}

/**
 * Brings the file into the store, by its digest.
 *
 * @param pin what is wanted; undefined: what the reference stands for now. @param most bytes, where no length is pinned.
 * @throws {SealiftError} E_DOWNLOAD; E_PIN when the artifact has not exactly one layer; E_DOWNLOAD_SHA256.
 */
export async function obtainOci(
  reference: string,
  store: string,
  title: string,
  pin: OciPin | undefined,
  most: number,
  patience?: Patience,
): Promise<Obtained & { readonly manifest: string }> {
  const { sha256, bytes, manifest } = pin ?? (await lookUp(reference, most));
  const here = await kept(store, sha256, title);
  if (here !== undefined) return { ...here, manifest };
  const arriving = await arrivingPath(store, sha256);
  // oras writes into what is there; a part of an earlier run may be of anything.
  await rm(arriving, { force: true });
  const blob = `${repositoryOf(reference)}@sha256:${sha256}`;
  const grows = {
    ...{ path: arriving, most: bytes ?? most },
    ...(patience === undefined ? {} : { patience }),
  };
  const options = { code: "E_DOWNLOAD", grows } as const;
  try {
    await oras(["blob", "fetch", "--no-tty", "--output", arriving], [blob], store, options);
  } catch (error) {
    await rm(arriving, { force: true });
    throw error;
  }
  const digest = await digestOf(arriving);
  await accept(reference, arriving, digest, sha256);
  return { ...(await keep(store, title, arriving, digest)), manifest };
}

async function lookUp(reference: string, most: number): Promise<OciPin> {
  const manifest = isTag(reference) ? await resolveOci(reference) : reference.replace(/^.*@/, "");
  const { layers = [] } = await manifestAt(`${repositoryOf(reference)}@${manifest}`);
  const [layer] = layers;
  if (layer === undefined || layers.length > 1) {
    const got = `${layers.length} layers`;
    const expected = "an OCI artifact with exactly one: the file";
    const todo = "push it with: oras push <name> <file>; an image belongs under images:";
    throw new SealiftError([{ where: reference, code: "E_PIN", subject: "layers", got, expected, todo }]);
  }
  if (layer.size > most) {
    const [got, expected] = [
      `a layer of ${layer.size} bytes`,
      `at most ${most} bytes where no length is pinned`,
    ];
    const todo = "ask who looks after the registry; or write bytes: and sha256: of it into the lock";
    throw new SealiftError([{ where: reference, code: "E_DOWNLOAD", subject: "bytes", got, expected, todo }]);
  }
  return { sha256: hexOf(layer.digest), bytes: layer.size, manifest };
}

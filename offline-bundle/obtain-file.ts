/** Brings a file of the bundle into the store, from whichever place has the right bytes. */
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { SealiftError } from "../modules/core/errors.ts";
import { downloadFailed } from "./download-problem.ts";
import type { Progress } from "./download.ts";
import { firstPlace, type Warn } from "./first-place.ts";
import { limits } from "./limits.ts";
import { localPath, locateUrl } from "./local-source.ts";
import { placesOf, type Mirrors } from "./mirrors.ts";
import { obtainOci } from "./oci-file.ts";
import { isOci, referenceOf } from "./oci-reference.ts";
import type { Patience } from "./patience.ts";
import { obtain, type Obtained, storedPath } from "./store.ts";
import { fileTitle, type WantedFile } from "./want.ts";

/** Where bytes come from and where they go. */
export interface Sources {
  /** Relative `file:` urls count from its folder. */
  readonly bundleFile: string;
  readonly store: string;
  readonly mirrors: Mirrors;
  readonly warn?: Warn;
  readonly patience?: Patience;
}

/** What a lock says of a file that is wanted. */
export interface Pin {
  readonly sha256: string;
  readonly bytes?: number;
  /** More bytes than this, and than the kind of file may have, are refused where `bytes` is absent. */
  readonly most?: number;
  readonly manifest?: string;
}

/**
 * The bytes of a file, in the store or, with a `file:` url, where they are.
 *
 * @param pin absent: the first place that has any decides.
 * @throws {SealiftError} E_DOWNLOAD and E_DOWNLOAD_SHA256 of every place; E_PIN of a file or artifact; E_SPACE, E_TOOL.
 */
export async function obtainFile(
  file: Pick<WantedFile, "url" | "kind">,
  pin: Pin | undefined,
  { bundleFile, store, mirrors, warn, patience }: Sources,
  progress: Progress = () => undefined,
): Promise<Obtained & { readonly manifest?: string }> {
  const title = fileTitle(file.url);
  const most = Math.max(limits.unpinned[file.kind], pin?.most ?? 0);
  const attempt = async (place: string): Promise<Obtained & { readonly manifest?: string }> => {
    if (isOci(place)) {
      const { manifest } = pin ?? {};
      const known = pin === undefined || manifest === undefined ? undefined : { ...pin, manifest };
      return obtainOci(referenceOf(place), store, title, known, most, patience);
    }
    const url = locateUrl(place, bundleFile);
    const real = url.protocol === "file:" ? await realOf(place, bundleFile) : url;
    return obtain(real, store, pin?.sha256, progress, {
      title,
      ...(pin?.bytes === undefined ? { most } : { bytes: pin.bytes }),
      ...(patience === undefined ? {} : { patience }),
    });
  };
  return firstPlace(placesOf(file.url, mirrors), attempt, warn);
}

/** @throws {SealiftError} E_VALUE when it leads out of the folder of bundle.yaml, E_DOWNLOAD when it is not there. */
async function realOf(url: string, bundleFile: string): Promise<URL> {
  return pathToFileURL(
    await localPath(url, bundleFile).catch((error: unknown) => {
      if (error instanceof SealiftError) throw error;
      throw downloadFailed(locateUrl(url, bundleFile), error);
    }),
  );
}

/**
 * Where the bytes of a pinned file are, if they are here already; nobody has looked at them.
 *
 * @throws {SealiftError} E_VALUE when it leads out of the folder of bundle.yaml.
 */
export async function presentFile(
  { url, sha256 }: Pick<WantedFile, "url"> & Pick<Pin, "sha256">,
  { bundleFile, store }: Sources,
): Promise<string | undefined> {
  const place = isOci(url) ? undefined : locateUrl(url, bundleFile);
  if (place?.protocol === "file:")
    return localPath(url, bundleFile).catch((error: unknown) => {
      if (error instanceof SealiftError) throw error;
      return undefined;
    });
  const path = storedPath(store, sha256, fileTitle(url));
  return existsSync(path) ? path : undefined;
}

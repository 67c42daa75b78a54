/** Fetches a file of the bundle into the cache from the first source that has the right bytes. */
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { refuse, SealiftError } from "../../modules/core/errors.ts";
import { downloadFailed } from "../http/download-problem.ts";
import type { Progress } from "../http/download.ts";
import { firstMirror, type Warn, mirroredUrls, type Mirrors } from "../spec/mirrors.ts";
import { limits } from "../io/limits.ts";
import { localPath, locateUrl } from "../spec/local-source.ts";
import { fetchOciFile } from "./oci-file.ts";
import { isOci, referenceOf } from "../spec/oci-reference.ts";
import type { RetryPolicy } from "../http/retry-policy.ts";
import { acceptDownload, fetchToCache, type CachedFile, downloadPath } from "./download-cache.ts";
import { fetchPackages, type NpmPackage, packagePath } from "./npm-package.ts";
import { digestOf } from "../io/digest.ts";
import { readNpmUrl } from "../spec/npm-url.ts";
import type { Member } from "../upstream/members.ts";
import { packApp } from "./app-tar.ts";
import { fileTitle, type NpmSource } from "../spec/bundle-spec.ts";

/** Where files come from and where they are kept. */
export interface Sources {
  /** Relative `file:` URLs are relative to its folder. */
  readonly bundleFile: string;
  readonly store: string;
  readonly mirrors: Mirrors;
  /** Absent: there are no npm packages. */
  readonly npm?: NpmSource;
  readonly warn?: Warn;
  readonly retryPolicy?: RetryPolicy;
}

/** What a lock records about a required file. */
export interface Pin {
  readonly sha256: string;
  readonly bytes?: number;
  /** Where `bytes` is absent, files above this limit or the limit of their kind are refused. */
  readonly most?: number;
  readonly manifest?: string;
  /** Of an app: the files that its tar holds. */
  readonly members?: readonly Member[];
}

/**
 * The bytes of a file: in the cache or, with a `file:` URL, in place.
 *
 * @param pin absent: the first source that has the file decides.
 * @throws {SealiftError} E_DOWNLOAD and E_DOWNLOAD_SHA256 of every source; E_PIN_MISMATCH of a local file or OCI artifact;
 * E_NO_SPACE, E_TOOL.
 */
export async function fetchFile(
  file: NpmPackage,
  pin: Pin | undefined,
  sources: Sources,
  progress: Progress = () => undefined,
): Promise<CachedFile & { readonly manifest?: string }> {
  if (file.kind === "npm") return fetchPackage(file, pin, sources, progress);
  if (file.kind === "app") return packApp(file, pin, sources);
  const { bundleFile, store, mirrors, warn, retryPolicy } = sources;
  const title = fileTitle(file.url);
  const most = Math.max(limits.unpinned[file.kind], pin?.most ?? 0);
  const attempt = async (place: string): Promise<CachedFile & { readonly manifest?: string }> => {
    if (isOci(place)) {
      const { manifest } = pin ?? {};
      const known = pin === undefined || manifest === undefined ? undefined : { ...pin, manifest };
      return fetchOciFile(referenceOf(place), store, title, known, most, retryPolicy);
    }
    const url = locateUrl(place, bundleFile);
    const real = url.protocol === "file:" ? await realOf(place, bundleFile) : url;
    return fetchToCache(real, store, pin?.sha256, progress, {
      title,
      ...(pin?.bytes === undefined ? { most } : { bytes: pin.bytes }),
      ...(retryPolicy === undefined ? {} : { retryPolicy }),
    });
  };
  return firstMirror(mirroredUrls(file.url, mirrors), attempt, warn);
}

/** A tarball beside package-lock.json is read in place; a changed file of the cache is deleted, so that it is downloaded again. */
async function fetchPackage(
  file: NpmPackage,
  pin: Pin | undefined,
  sources: Sources,
  progress: Progress,
): Promise<CachedFile> {
  refuse(await fetchPackages([file], sources));
  const path = await packagePath(file, sources);
  if (readNpmUrl(file.url)?.tarball !== undefined)
    return fetchToCache(pathToFileURL(path), sources.store, pin?.sha256, progress);
  return acceptDownload(path, path, await digestOf(path), pin?.sha256);
}

/** @throws {SealiftError} E_VALUE when it leads out of the folder of bundle.yaml, E_DOWNLOAD when there is no such file. */
async function realOf(url: string, bundleFile: string): Promise<URL> {
  return pathToFileURL(
    await localPath(url, bundleFile).catch((error: unknown) => {
      if (error instanceof SealiftError) throw error;
      throw downloadFailed(locateUrl(url, bundleFile), error);
    }),
  );
}

/**
 * Where the bytes of a pinned file are, if they are local; they are not checked.
 *
 * @throws {SealiftError} E_VALUE when it leads out of the folder of bundle.yaml.
 */
export async function presentFile(
  file: NpmPackage & Pick<Pin, "sha256" | "members">,
  sources: Sources,
): Promise<string | undefined> {
  const { url, sha256 } = file;
  const { bundleFile, store } = sources;
  // Packed again each time: a changed file of the project is found.
  if (file.kind === "app")
    return packApp(file, file, sources).then(
      ({ path }) => path,
      (error: unknown) => {
        if (error instanceof SealiftError) return undefined;
        throw error;
      },
    );
  if (file.kind === "npm") {
    const path = await packagePath(file, sources).catch((error: unknown) => {
      if (error instanceof SealiftError) throw error;
      return undefined;
    });
    return path !== undefined && existsSync(path) ? path : undefined;
  }
  const place = isOci(url) ? undefined : locateUrl(url, bundleFile);
  if (place?.protocol === "file:")
    return localPath(url, bundleFile).catch((error: unknown) => {
      if (error instanceof SealiftError) throw error;
      return undefined;
    });
  const path = downloadPath(store, sha256, fileTitle(url));
  return existsSync(path) ? path : undefined;
}

/** bundle.yaml: what the team wants in the bundle, spread out to one entry per version and platform. */
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { refuse, type Problem } from "../modules/core/errors.ts";
import { readDocument } from "./document.ts";

/** In Docker's words; what the lab and the supported hosts have. */
export type Platform = "linux/amd64" | "linux/arm64";

/** engine: a tarball with dockerd and its companions; archive: any other .tgz; binary: one program, as it is. */
export type FileKind = "engine" | "archive" | "binary";

/** One file for one platform. */
export interface WantedFile {
  readonly name: string;
  readonly version: string;
  readonly platform: Platform;
  readonly kind: FileKind;
  /** As written, placeholders filled in. A relative `file:` url counts from the folder of bundle.yaml. */
  readonly url: string;
  /** SPDX identifier. */
  readonly licence: string;
}

/** One image, for all platforms of the bundle that it has. */
export interface WantedImage {
  /** Full name with tag: `docker.io/library/busybox:1.37`. */
  readonly name: string;
  /** `file:` url of an OCI layout that holds the image under this name; absent: pulled from its registry. */
  readonly from?: string;
}

export interface Want {
  readonly platforms: readonly Platform[];
  readonly files: readonly WantedFile[];
  readonly images: readonly WantedImage[];
}

/** bundle.yaml as written. */
interface BundleFile {
  readonly platforms: readonly Platform[];
  readonly files?: readonly {
    readonly name: string;
    readonly versions: readonly string[];
    readonly kind: FileKind;
    readonly url: string;
    readonly licence: string;
  }[];
  readonly images?: readonly WantedImage[];
}

/**
 * Reads bundle.yaml.
 *
 * @throws {SealiftError} E_BUNDLE_MISSING when it is not there; all problems of the file otherwise, E_DUPLICATE among them.
 */
export async function readWant(file: string): Promise<Want> {
  const { value, place } = await readDocument<BundleFile>(file, "bundle.schema.json", {
    code: "E_BUNDLE_MISSING",
    todo: "name the file with --file, or write it: offline-bundle/bundle.yaml is an example",
  });
  const files = (value.files ?? []).flatMap(({ versions, url, ...rest }) =>
    versions.flatMap((version) =>
      value.platforms.map((platform) => ({ ...rest, version, platform, url: fill(url, version, platform) })),
    ),
  );
  const images = value.images ?? [];
  refuse([
    ...duplicates(files.map(label), place(["files"])),
    ...duplicates(
      images.map(({ name }) => name),
      place(["images"]),
    ),
  ]);
  return { platforms: value.platforms, files, images };
}

/** How a file is called in messages: `docker 28.5.2 linux/amd64`. */
export function label(file: Pick<WantedFile, "name" | "version" | "platform">): string {
  return `${file.name} ${file.version} ${file.platform}`;
}

/** The absolute url of something named in bundle.yaml. */
export function locateUrl(url: string, bundleFile: string): URL {
  return new URL(url, pathToFileURL(bundleFile));
}

/** The last part of a url: the name under which the bytes travel. */
export function fileTitle(url: string): string {
  return decodeURIComponent(basename(url.replace(/[?#].*$/, "").replace(/^file:/, "")));
}

/** `{arch}` is Go's word for the processor (amd64), `{machine}` the kernel's (x86_64). */
function fill(url: string, version: string, platform: Platform): string {
  const arch = platform === "linux/amd64" ? "amd64" : "arm64";
  const machine = platform === "linux/amd64" ? "x86_64" : "aarch64";
  return url.replaceAll("{version}", version).replaceAll("{arch}", arch).replaceAll("{machine}", machine);
}

function duplicates(names: readonly string[], where: string): readonly Problem[] {
  const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index));
  return [...twice].map((name) => ({
    where,
    code: "E_DUPLICATE",
    subject: name,
    got: "more than one entry",
    expected: "one",
    todo: "remove the others",
  }));
}

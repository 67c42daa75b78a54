/** The npm packages of a bundle, as its manifests name them: no lock is parsed, so that no other package is needed to read them. */
import { npmSpec, readNpmUrl } from "../spec/npm-url.ts";
import type { Tree } from "../oci/check-layout.ts";
import { hexOf } from "../oci/manifests.ts";
import { isRecord, jsonOf } from "../io/json.ts";
import type { LockedFile } from "../spec/lock-file.ts";

/** An npm package in a bundle. */
export interface CarriedPackage {
  readonly name: string;
  readonly version: string;
  /** As npm takes it: `<name>@<version>`, or `<name>@file:<path>`. */
  readonly spec: string;
  /** Its sha512 as in package-lock.json. */
  readonly integrity: string;
  /** Path of the tarball, relative to package-lock.json; absent: it comes from a registry. */
  readonly tarball?: string;
  /** sha256 of its manifest. */
  readonly manifest: string;
  /** Its blob. */
  readonly sha256: string;
  readonly bytes: number;
}

/** What the manifest of a package says beyond that of any file. */
export function packageAnnotations({
  url,
  integrity,
}: Pick<LockedFile, "url" | "integrity">): Readonly<Record<string, string>> {
  return integrity === undefined ? {} : { [source]: url, [hash]: integrity };
}

const source = "vnd.sealift.npm";
const hash = "vnd.sealift.integrity";

/** @param tree manifests that a signature covers. @returns one entry per manifest of a package; others are left out. */
export function carriedPackages({ manifests }: Tree): readonly CarriedPackage[] {
  const found: CarriedPackage[] = [];
  for (const [hex, { manifest, text }] of manifests) {
    const value = jsonOf(text);
    const annotations = isRecord(value) ? value["annotations"] : undefined;
    const [layer, ...others] = manifest.layers ?? [];
    if (!isRecord(annotations) || layer === undefined || others.length > 0) continue;
    const { [source]: url, [hash]: integrity, "org.opencontainers.image.version": version } = annotations;
    if (typeof url !== "string" || typeof integrity !== "string" || typeof version !== "string") continue;
    const { name, tarball } = readNpmUrl(url) ?? {};
    if (name === undefined || !address.test(url)) continue;
    found.push({
      ...{
        manifest: hex,
        name,
        version,
        spec: npmSpec(url),
        integrity,
        sha256: hexOf(layer.digest),
        bytes: layer.size,
      },
      ...(tarball === undefined ? {} : { tarball }),
    });
  }
  return found;
}

/** As in the schema of the lock: no part of a path begins with a dot. */
const address =
  /^npm:(@[A-Za-z0-9][A-Za-z0-9._~-]*\/)?[A-Za-z0-9_][A-Za-z0-9._~-]*@(file:([A-Za-z0-9_@][A-Za-z0-9._@+~-]*\/)*[A-Za-z0-9_@][A-Za-z0-9._@+~-]*|[A-Za-z0-9][A-Za-z0-9._+-]*)$/;

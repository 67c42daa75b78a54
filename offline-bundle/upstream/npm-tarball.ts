/** The identity of an npm package: its package.json, below the one folder of its tarball (package-json(5)). */
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { isRecord, jsonOf } from "../io/json.ts";
import { archiveProblem, readTar } from "./read-tar.ts";

export interface NpmIdentity {
  readonly name: string;
  readonly version: string;
}

/** @throws {SealiftError} E_ARCHIVE when it is not a package, or is dangerous to unpack. */
export async function readNpmTarball(path: string): Promise<NpmIdentity> {
  const rules = {
    ...{ links: true, most: maxBytes },
    // Tarballs that contain a file twice exist, and npm takes the last one.
    repeats: true,
    keep: (name: string) => /^[^/]+\/package\.json$/.test(name),
  };
  const { kept } = await readTar(path, createReadStream(path), createGunzip(), rules);
  const value = kept === undefined ? undefined : jsonOf(kept);
  const { name, version } = isRecord(value) ? value : {};
  if (typeof name !== "string" || typeof version !== "string")
    throw archiveProblem(path, "no package.json with name and version", "an npm package");
  return { name, version };
}

/** Of the unpacked package. */
const maxBytes = 4 * 1024 ** 3;

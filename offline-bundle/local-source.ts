/**
 * What bundle.yaml names on this machine: files, layouts, keys and checksum files below its own folder. Whoever changes bundle.yaml, or
 * a link beside it, does not get to pack what lies elsewhere on the machine that builds.
 */
import { lstat, realpath } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Problem, SealiftError } from "../modules/core/errors.ts";
import { inside } from "./inside.ts";
import { printable } from "./printable.ts";
import { otherKind } from "./regular-file.ts";

/** The absolute url of something named in bundle.yaml. */
export function locateUrl(url: string, bundleFile: string): URL {
  return new URL(url, pathToFileURL(bundleFile));
}

/** Why a url or path of bundle.yaml leads out of its folder by its words alone; undefined when it does not, or is no file. */
export function outsideProblem(
  url: string,
  bundleFile: string,
  where: string,
  subject: string,
): Problem | undefined {
  const path = pathOf(url, bundleFile);
  if (path === undefined || isBelow(path, resolve(dirname(bundleFile)))) return undefined;
  return outside(where, subject, printable(url));
}

/**
 * The real path of something that bundle.yaml names by a `file:` url or a path: with every link followed it is below the folder
 * of bundle.yaml.
 *
 * @throws {SealiftError} E_VALUE when it is not; the error of the file system when it is not there.
 */
export async function localPath(url: string, bundleFile: string): Promise<string> {
  const path = pathOf(url, bundleFile);
  const folder = await realpath(dirname(resolve(bundleFile)));
  // Before it is looked at: what is not there is outside as well.
  if (path === undefined || !isBelow(path, resolve(dirname(bundleFile))))
    throw new SealiftError([outside(bundleFile, printable(url), "another folder")]);
  const real = await realpath(path);
  if (isBelow(real, folder)) return real;
  throw new SealiftError([outside(bundleFile, printable(url), "a link that leads out")]);
}

/**
 * The real path of an OCI layout, which holds files and folders only: oras would follow a link in it.
 *
 * @throws {SealiftError} E_VALUE; the error of the file system when it is not there.
 */
export async function localLayout(url: string, bundleFile: string): Promise<string> {
  const layout = await localPath(url, bundleFile);
  const parts = [inside.marker, inside.index, dirname(inside.blobs), inside.blobs];
  for (const name of parts) {
    const found = await lstat(join(layout, name)).catch(() => undefined);
    // What a layout lacks, oras says.
    if (found === undefined || found.isFile() || found.isDirectory()) continue;
    throw new SealiftError([outside(bundleFile, `${printable(url)} ${name}`, otherKind(found) ?? "a file")]);
  }
  return layout;
}

function pathOf(url: string, bundleFile: string): string | undefined {
  try {
    const place = locateUrl(url, bundleFile);
    return place.protocol === "file:" ? fileURLToPath(place) : undefined;
  } catch {
    // No url at all, one of another machine, or one with a slash in a name (%2f).
    return sep;
  }
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

function outside(where: string, subject: string, got: string): Problem {
  return {
    where,
    code: "E_VALUE",
    subject,
    got,
    expected: "something below the folder of bundle.yaml",
    todo: "put it there, and name it relative to that folder",
  };
}

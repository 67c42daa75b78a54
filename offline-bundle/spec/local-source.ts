/**
 * Local files that bundle.yaml names: files, layouts, keys and checksum files below its own folder. A person who can change
 * bundle.yaml, or a link beside it, must not be able to pack other files of the build machine.
 */
import { lstat, realpath } from "node:fs/promises";
import { dirname, join, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Problem, SealiftError } from "../../modules/core/errors.ts";
import { inside } from "../io/inside.ts";
import { printable } from "../io/printable.ts";
import { otherKind } from "../io/regular-file.ts";

/** The absolute URL of a path or URL in bundle.yaml. */
export function locateUrl(url: string, bundleFile: string): URL {
  return new URL(url, pathToFileURL(bundleFile));
}

/** Why a URL or path of bundle.yaml leads out of its folder as written; undefined when it does not, or is not a file. */
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
 * The real path of a `file:` URL or path in bundle.yaml: with every link resolved it is below the folder of bundle.yaml.
 *
 * @throws {SealiftError} E_VALUE when it is not; the error of the file system when it does not exist.
 */
export async function localPath(url: string, bundleFile: string): Promise<string> {
  const path = pathOf(url, bundleFile);
  const folder = await realpath(dirname(resolve(bundleFile)));
  // Checked before the file system: a missing file outside the folder is outside as well.
  if (path === undefined || !isBelow(path, resolve(dirname(bundleFile))))
    throw new SealiftError([outside(bundleFile, printable(url), "a path outside the folder")]);
  const real = await realpath(path);
  if (isBelow(real, folder)) return real;
  throw new SealiftError([outside(bundleFile, printable(url), "a link that leads out of the folder")]);
}

/**
 * The real path of an OCI layout, which must contain only files and folders: oras would follow a link in it.
 *
 * @throws {SealiftError} E_VALUE; the error of the file system when it does not exist.
 */
export async function localLayout(url: string, bundleFile: string): Promise<string> {
  const layout = await localPath(url, bundleFile);
  const parts = [inside.marker, inside.index, dirname(inside.blobs), inside.blobs];
  for (const name of parts) {
    const found = await lstat(join(layout, name)).catch(() => undefined);
    // oras reports missing parts of the layout.
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
    // Not a URL, a URL of another machine, or one with a slash in a name (%2f).
    return sep;
  }
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
}

function outside(where: string, subject: string, found: string): Problem {
  return {
    where,
    code: "E_VALUE",
    subject,
    found,
    expected: "a path below the folder of bundle.yaml",
    fix: "move it there, and use a path relative to that folder",
  };
}

/** The tar of an application, packed from the repository: into the download cache, so that all else treats it like any other file. */
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Problem, SealiftError } from "../../modules/core/errors.ts";
import { writeAtomically } from "../../modules/core/write-atomically.ts";
import { projectFiles, type ProjectFile, projectPlace, projectTar } from "../compose/project-files.ts";
import { digestOfBytes } from "../io/digest.ts";
import { printable } from "../io/printable.ts";
import { fileTitle, type FileSpec } from "../spec/bundle-spec.ts";
import type { LockedFile } from "../spec/lock-file.ts";
import type { Member } from "../upstream/members.ts";
import { type CachedFile, downloadPath, OtherBytes } from "./download-cache.ts";

/**
 * Packs the files that the lock records as members.
 *
 * @throws {SealiftError} E_PIN_MISMATCH when a file has changed or is missing; E_APP_FILES.
 */
export async function packApp(
  { url }: Pick<FileSpec, "url">,
  pin: { readonly sha256: string; readonly members?: readonly Member[] } | undefined,
  { bundleFile, store }: { readonly bundleFile: string; readonly store: string },
): Promise<CachedFile> {
  const place = await projectPlace(url, bundleFile);
  const names = new Set(pin?.members?.map(({ path }) => path));
  const files = (await projectFiles(place)).filter(({ path }) => names.has(path));
  const found = await storeTar(url, files, store);
  if (found.sha256 === pin?.sha256) return found;
  throw new OtherBytes(changedProject(join(place.shown, place.file), url, files, pin?.members ?? []), found);
}

/**
 * The content of members, in their order.
 *
 * @throws {SealiftError} E_PIN_MISMATCH when one has changed since it was packed.
 */
export async function pinnedTexts(
  { url, members = [] }: Pick<LockedFile, "url" | "members">,
  paths: readonly string[],
  { bundleFile }: { readonly bundleFile: string },
): Promise<readonly Buffer[]> {
  const place = await projectPlace(url, bundleFile);
  const files = await projectFiles(place);
  return paths.map((path) => {
    const file = files.find((one) => one.path === path);
    const member = members.find((one) => one.path === path);
    if (file !== undefined && digestOfBytes(file.content).sha256 === member?.sha256) return file.content;
    throw new SealiftError([changedProject(join(place.shown, place.file), url, files, members)]);
  });
}

/** Writes the tar of these files into the cache. */
export async function storeTar(
  url: string,
  files: readonly ProjectFile[],
  store: string,
): Promise<CachedFile> {
  const tar = await projectTar(files);
  const digest = digestOfBytes(tar);
  const path = downloadPath(store, digest.sha256, fileTitle(url));
  await mkdir(dirname(path), { recursive: true });
  await writeAtomically(path, tar);
  return { ...digest, path };
}

/** E_PIN_MISMATCH, with the names of the files that differ. */
export function changedProject(
  where: string,
  url: string,
  files: readonly ProjectFile[],
  members: readonly Member[],
): Problem {
  const [now, then] = [
    new Map(files.map(({ path, content }) => [path, digestOfBytes(content).sha256])),
    new Map(members.map(({ path, sha256 }) => [path, sha256])),
  ];
  const names = [...new Set([...now.keys(), ...then.keys()])].sort();
  const differ = names.filter((path) => now.get(path) !== then.get(path));
  const shown = differ.slice(0, maxShown).map((path) => {
    const how = !now.has(path) ? "missing" : then.has(path) ? "changed" : "added";
    return `${printable(path)} ${how}`;
  });
  return {
    where,
    code: "E_PIN_MISMATCH",
    subject: url,
    found: shown.join(", ") || "other bytes",
    expected: "the files of this version as pinned in the lock: sites may run it already",
    fix: "restore them and give the change a new version, or pin this version again: sealift bundle lock --update <name>",
  };
}

const maxShown = 10;

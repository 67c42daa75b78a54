/**
 * What oras is to send of a verified bundle. oras opens files by their names and follows links, and after the check the medium may have
 * laid any under the name of a blob: the operator's own files would leave for the registry. So oras gets a layout of ours, in a folder of
 * ours: manifests as they were hashed, and for each blob a link to a file that we hold open, which is a regular file of the bundle.
 *
 * Blobs are not copied first: a bundle has gigabytes, and a medium that gives other bytes from an open file gives bytes of its own. The
 * registry hashes what arrives and keeps nothing that is not its digest (distribution specification 1.1, section "Pushing Blobs").
 */
import { constants } from "node:fs";
import { type FileHandle, mkdir, mkdtemp, open, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SealiftError } from "../modules/core/errors.ts";
import { inside, markerText } from "./inside.ts";
import { openFlags, otherKind } from "./regular-file.ts";
import type { Tree } from "./tree.ts";

/**
 * @param digest `sha256:…` of the manifest that goes out. @param blobs sha256 of everything that it reaches, itself too.
 * @param work gets the layout, which is gone afterwards.
 * @throws {SealiftError} E_BUNDLE_DIGEST when something in the bundle is no regular file any more.
 */
export async function withOutgoing<T>(
  directory: string,
  digest: string,
  blobs: Iterable<string>,
  tree: Tree,
  work: (layout: string) => Promise<T>,
): Promise<T> {
  const layout = await mkdtemp(join(tmpdir(), "sealift-push-"));
  const held: FileHandle[] = [];
  try {
    const manifests = (tree.index.manifests ?? [])
      .filter((one) => one.digest === digest)
      .slice(0, 1)
      .map(({ mediaType, size }) => ({ mediaType, digest, size }));
    await mkdir(join(layout, inside.blobs), { recursive: true });
    await writeFile(join(layout, inside.marker), markerText);
    await writeFile(join(layout, inside.index), JSON.stringify({ schemaVersion: 2, manifests }));
    const folder = await blobsOf(directory);
    held.push(folder);
    for (const sha256 of blobs) {
      const path = join(layout, inside.blobs, sha256);
      const text = tree.manifests.get(sha256)?.text;
      if (text !== undefined) await writeFile(path, text);
      else {
        const file = await openBlob(folder, directory, sha256);
        held.push(file);
        await symlink(`/proc/${process.pid}/fd/${file.fd}`, path);
      }
    }
    return await work(layout);
  } finally {
    for (const file of held) await file.close();
    await rm(layout, { recursive: true, force: true });
  }
}

/** The folder of the blobs, held open: neither it nor the one above it is a link. */
async function blobsOf(directory: string): Promise<FileHandle> {
  let folder = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY).catch((error: unknown) => {
    throw unusable(directory, inside.blobs, wordsOf(error));
  });
  for (const name of inside.blobs.split("/")) {
    const above = folder;
    const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
    folder = await open(`/proc/self/fd/${above.fd}/${name}`, flags)
      .catch((error: unknown) => {
        throw unusable(directory, inside.blobs, wordsOf(error));
      })
      .finally(() => above.close());
  }
  return folder;
}

/** A file of that very folder, whatever its path leads to by now. Hard links are left to the system (proc(5), fs.protected_hardlinks). */
async function openBlob(folder: FileHandle, directory: string, sha256: string): Promise<FileHandle> {
  const name = `${inside.blobs}/${sha256}`;
  const file = await open(`/proc/self/fd/${folder.fd}/${sha256}`, openFlags("refuse")).catch(
    (error: unknown) => {
      const link = error instanceof Error && "code" in error && error.code === "ELOOP";
      throw unusable(directory, name, link ? "a symbolic link" : wordsOf(error));
    },
  );
  const kind = otherKind(await file.stat());
  if (kind === undefined) return file;
  await file.close();
  throw unusable(directory, name, kind);
}

function wordsOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOENT" ? "no such file" : String(code ?? error);
}

function unusable(directory: string, subject: string, got: string): SealiftError {
  return new SealiftError([
    {
      where: join(directory, subject),
      code: "E_BUNDLE_DIGEST",
      subject,
      got,
      expected: "the file that was verified",
      todo: "copy the bundle to a disk of your own, then push that",
    },
  ]);
}

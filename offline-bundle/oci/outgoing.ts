/**
 * Prepares what oras sends of a verified bundle. oras opens files by name and follows links, and after verification the medium
 * could present a link under the name of a blob: then files of the operator would be sent to the registry. So oras gets a layout
 * in a private folder: manifests as they were hashed, and for each blob a link to an open file descriptor of a regular file of
 * the bundle.
 *
 * Blobs are not copied first: a bundle has gigabytes, and a medium that returns other bytes from an open file returns only its
 * own bytes. The registry hashes what arrives and rejects a blob with another digest (distribution specification 1.1, section
 * "Pushing Blobs").
 */
import { constants } from "node:fs";
import { type FileHandle, mkdir, mkdtemp, open, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SealiftError } from "../../modules/core/errors.ts";
import { inside, markerText } from "../io/inside.ts";
import { openFlags, otherKind } from "../io/regular-file.ts";
import type { Tree } from "./check-layout.ts";

/**
 * @param digest `sha256:…` of the manifest to send.
 * @param blobs sha256 of everything that it references, itself included.
 * @param work gets the layout, which is removed afterwards.
 * @throws {SealiftError} E_BUNDLE_DIGEST when a file of the bundle is no longer a regular file.
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

/** The open folder of the blobs: neither it nor its parent is a link. */
async function blobsOf(directory: string): Promise<FileHandle> {
  let folder = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY).catch((error: unknown) => {
    throw unusable(directory, inside.blobs, describeError(error));
  });
  for (const name of inside.blobs.split("/")) {
    const above = folder;
    const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
    folder = await open(`/proc/self/fd/${above.fd}/${name}`, flags)
      .catch((error: unknown) => {
        throw unusable(directory, inside.blobs, describeError(error));
      })
      .finally(() => above.close());
  }
  return folder;
}

/**
 * Opens a file relative to the open folder, whatever the path points to meanwhile. Hard links are left to the system (proc(5),
 * fs.protected_hardlinks).
 */
async function openBlob(folder: FileHandle, directory: string, sha256: string): Promise<FileHandle> {
  const name = `${inside.blobs}/${sha256}`;
  const file = await open(`/proc/self/fd/${folder.fd}/${sha256}`, openFlags("refuse")).catch(
    (error: unknown) => {
      const link = error instanceof Error && "code" in error && error.code === "ELOOP";
      throw unusable(directory, name, link ? "a symbolic link" : describeError(error));
    },
  );
  const kind = otherKind(await file.stat());
  if (kind === undefined) return file;
  await file.close();
  throw unusable(directory, name, kind);
}

function describeError(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOENT" ? "no such file" : String(code ?? error);
}

function unusable(directory: string, subject: string, found: string): SealiftError {
  return new SealiftError([
    {
      where: join(directory, subject),
      code: "E_BUNDLE_DIGEST",
      subject,
      found,
      expected: "the verified file",
      fix: "copy the bundle to a local disk, then push the copy",
    },
  ]);
}

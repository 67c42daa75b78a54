/** The files inside a gzipped tar. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { SealiftError } from "../modules/core/errors.ts";
import type { Digest } from "./digest.ts";

/** A regular file of an archive. */
export interface Member extends Digest {
  /** Path inside the archive: `docker/dockerd`. */
  readonly path: string;
}

/**
 * Lists the regular files of a .tgz with length and sha256, sorted by path; nothing is written to disk.
 *
 * @throws {SealiftError} E_PIN when it is no gzipped tar, or when a member would land outside the folder it is unpacked to.
 */
export async function membersOf(archive: string): Promise<readonly Member[]> {
  const members: Member[] = [];
  const entries = extract();
  try {
    const reading = pipeline(createReadStream(archive), createGunzip(), entries);
    // Awaited below; the loop ends by itself when the stream fails.
    reading.catch(() => undefined);
    for await (const entry of entries) {
      const { name, type } = entry.header;
      if (name.startsWith("/") || name.split("/").includes("..")) {
        throw broken(archive, `a member named ${name}`, "paths inside the archive only");
      }
      const hash = createHash("sha256");
      let bytes = 0;
      for await (const chunk of entry) {
        const data = chunk as Buffer;
        bytes += data.length;
        hash.update(data);
      }
      if (type === "file" || type === "contiguous-file") {
        members.push({ path: name.replace(/^(\.\/)+/, ""), bytes, sha256: hash.digest("hex") });
      }
    }
    await reading;
  } catch (error) {
    if (error instanceof SealiftError) throw error;
    throw broken(archive, error instanceof Error ? error.message : String(error), "a gzipped tar archive");
  }
  return members.sort((a, b) => (a.path < b.path ? -1 : 1));
}

function broken(archive: string, got: string, expected: string): SealiftError {
  return new SealiftError([
    {
      where: archive,
      code: "E_PIN",
      subject: "archive",
      got,
      expected,
      todo: "check the url in bundle.yaml; do not use this file",
    },
  ]);
}

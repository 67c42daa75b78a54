/** A package as npm installs it: a gzipped tar below `package/`, with fixed order, owner, time and mode. */
import { buffer } from "node:stream/consumers";
import { constants, createGzip } from "node:zlib";
import { pack } from "tar-stream";
import type { PackageFile } from "./package-files.ts";

/** npm dates the files of every package so (npm-packlist, pacote 21): zip files know no earlier year. */
const time = new Date("1985-10-26T08:15:00.000Z");

export async function packageTarball(files: readonly PackageFile[]): Promise<Buffer> {
  const tar = pack();
  const packed = buffer(tar.pipe(createGzip({ level: constants.Z_BEST_COMPRESSION })));
  for (const { path, text, executable } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1)))
    tar.entry(
      { name: `package/${path}`, mode: executable ? 0o755 : 0o644, mtime: time, uid: 0, gid: 0 },
      text,
    );
  tar.finalize();
  return packed;
}

/** A Debian package (deb(5)) with a control file and no content. */
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gunzipSync, zstdCompressSync } from "node:zlib";
import { writeTgz } from "./tgz.ts";

export type DebCompression = "gz" | "xz" | "zst" | "none";

/** @param control the control file, as it stands in the package. */
export async function writeDeb(
  path: string,
  control: string,
  compression: DebCompression = "gz",
): Promise<void> {
  const tgz = await tgzOf([
    { path: "./", directory: true },
    { path: "./control", content: control },
  ]);
  const suffix = compression === "none" ? "" : `.${compression}`;
  await writeFile(
    path,
    arOf([
      ["debian-binary", Buffer.from("2.0\n")],
      [`control.tar${suffix}`, compressed(tgz, compression)],
      ["data.tar.gz", await tgzOf([{ path: "./", directory: true }])],
    ]),
  );
}

/** An ar archive of these members. */
export function arOf(members: readonly (readonly [string, Buffer])[]): Buffer {
  return Buffer.concat([
    Buffer.from("!<arch>\n"),
    ...members.flatMap(([name, data]) => [
      Buffer.from(`${name.padEnd(16)}${"0".padEnd(12)}${"0".padEnd(6)}${"0".padEnd(6)}${"100644".padEnd(8)}`),
      Buffer.from(`${String(data.length).padEnd(10)}\`\n`),
      data,
      Buffer.alloc(data.length % 2, "\n"),
    ]),
  ]);
}

export async function tgzOf(entries: Parameters<typeof writeTgz>[0]): Promise<Buffer> {
  const output = new PassThrough();
  const [bytes] = await Promise.all([buffer(output), writeTgz(entries, output)]);
  return bytes;
}

function compressed(tgz: Buffer, compression: DebCompression): Buffer {
  if (compression === "gz") return tgz;
  const tar = gunzipSync(tgz);
  if (compression === "none") return tar;
  if (compression === "zst") return zstdCompressSync(tar);
  return spawnSync("xz", ["--stdout"], { input: tar }).stdout;
}

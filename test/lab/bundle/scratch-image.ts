/** A FROM-scratch container image made of one static busybox: it needs no registry to exist. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createGunzip } from "node:zlib";
import { digestOf } from "../../../offline-bundle/io/digest.ts";
import { oras } from "../../../offline-bundle/oci/oras.ts";
import { type TarEntry, writeTgz } from "../../support/fixtures/tgz.ts";

/** What the image can do besides `busybox <command>`. */
const commands = ["sh", "echo", "cat", "sleep", "ls", "id", "httpd", "wget"];

/**
 * Writes an OCI layout that holds the image under `name`. The same busybox gives the same digest.
 *
 * @param busybox a static binary for `architecture`.
 * @param layout folder to write; must not exist.
 */
export async function writeScratchImage(
  busybox: string,
  architecture: "amd64" | "arm64",
  name: string,
  layout: string,
): Promise<void> {
  const work = await mkdtemp(join(dirname(layout), "image-"));
  try {
    const layer = join(work, "layer.tar.gz");
    await writeTgz(await content(busybox), createWriteStream(layer));
    const config = {
      architecture,
      os: "linux",
      config: { Env: ["PATH=/bin"], Cmd: ["sh"] },
      rootfs: { type: "layers", diff_ids: [`sha256:${await unpackedSha256(layer)}`] },
    };
    await writeFile(join(work, "config.json"), JSON.stringify(config));
    await oras(
      [
        ...["push", "--no-tty", "--oci-layout-path", layout],
        ...["--config", "config.json:application/vnd.oci.image.config.v1+json"],
        ...["--annotation", "org.opencontainers.image.created=1970-01-01T00:00:00Z"],
      ],
      [name, "layer.tar.gz:application/vnd.oci.image.layer.v1.tar+gzip"],
      work,
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function content(busybox: string): Promise<readonly TarEntry[]> {
  const { bytes } = await digestOf(busybox);
  return [
    { path: "bin/", directory: true },
    { path: "bin/busybox", file: busybox, bytes },
    ...commands.map((command) => ({ path: `bin/${command}`, target: "busybox" })),
    { path: "etc/", directory: true },
    { path: "etc/passwd", mode: 0o644, content: "root:x:0:0:root:/:/bin/sh\n" },
    { path: "tmp/", mode: 0o1777, directory: true },
  ];
}

/** An image names its layers by what they are before compression. */
async function unpackedSha256(layer: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(layer).pipe(createGunzip())) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

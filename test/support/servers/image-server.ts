/**
 * A registry that serves whatever a test gives it, on loopback without TLS: what no honest registry takes, others have served for years. It
 * also writes what it has as an OCI layout.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { buffer } from "node:stream/consumers";

export interface Served {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export const types = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
} as const;

export interface ImageServer {
  /** `localhost:40123`, which oras asks without TLS. */
  readonly host: string;
  readonly put: (
    mediaType: string,
    content: object | string | Buffer,
    algorithm?: "sha256" | "sha512",
  ) => Served;
  /** One image that a platform runs: its layer has a file of this text. @param more over what its manifest says. */
  readonly image: (platform: string | undefined, text: string, more?: object) => Served;
  readonly index: (manifests: readonly object[], more?: object) => Served;
  readonly tag: (repository: string, tag: string, of: Served) => void;
  /** Forgets the bytes of a digest, and goes on naming it. */
  readonly lose: (digest: string) => void;
  /** Writes everything that it has as a layout. @param entries of index.json. */
  readonly layout: (folder: string, entries: readonly object[]) => Promise<void>;
  readonly close: () => void;
}

export async function imageServer(): Promise<ImageServer> {
  const blobs = new Map<string, { readonly mediaType: string; readonly bytes: Buffer }>();
  const tags = new Map<string, string>();
  const layer = await tar("hello", "not really busybox\n");
  const server = createServer(({ method, url = "" }, response) => {
    const [, repository = "", kind, reference = ""] = /^\/v2\/(.+)\/(manifests|blobs)\/(.+)$/.exec(url) ?? [];
    const digest = tags.get(`${repository}:${reference}`) ?? reference;
    const found = kind === undefined ? undefined : blobs.get(digest);
    if (found === undefined) {
      response.writeHead(url === "/v2/" ? 200 : 404, { "content-type": "application/json" });
      response.end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"not here"}]}');
      return;
    }
    response.writeHead(200, {
      "content-type": kind === "manifests" ? found.mediaType : "application/octet-stream",
      "content-length": found.bytes.length,
      "docker-content-digest": digest,
    });
    response.end(method === "HEAD" ? undefined : found.bytes);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const put: ImageServer["put"] = (mediaType, content, algorithm = "sha256") => {
    const bytes =
      content instanceof Buffer
        ? content
        : Buffer.from(typeof content === "string" ? content : JSON.stringify(content));
    const digest = `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
    blobs.set(digest, { mediaType, bytes });
    return { mediaType, digest, size: bytes.length };
  };
  const image: ImageServer["image"] = (platform, text, more = {}) => {
    const [os, architecture, variant] = platform?.split("/") ?? [];
    const diff = `sha256:${createHash("sha256").update(layer.plain).digest("hex")}`;
    const config = {
      os,
      architecture,
      variant,
      config: { Labels: { text } },
      rootfs: { type: "layers", diff_ids: [diff] },
    };
    return put(types.manifest, {
      schemaVersion: 2,
      mediaType: types.manifest,
      config: put(types.config, config),
      layers: [put(types.layer, layer.packed)],
      ...more,
    });
  };
  return {
    host: `localhost:${(server.address() as AddressInfo).port}`,
    ...{ put, image },
    index: (manifests, more = {}) =>
      put(types.index, { schemaVersion: 2, mediaType: types.index, manifests, ...more }),
    tag: (repository, tag, { digest }) => tags.set(`${repository}:${tag}`, digest),
    lose: (digest) => blobs.delete(digest),
    layout: async (folder, manifests) => {
      await mkdir(join(folder, "blobs", "sha256"), { recursive: true });
      await writeFile(join(folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
      await writeFile(join(folder, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
      for (const [digest, { bytes }] of blobs)
        if (digest.startsWith("sha256:"))
          await writeFile(join(folder, "blobs", digest.replace(":", "/")), bytes);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function tar(name: string, text: string): Promise<{ readonly plain: Buffer; readonly packed: Buffer }> {
  const archive = pack();
  archive.entry({ name, mode: 0o755, mtime: new Date(0) }, text);
  archive.finalize();
  const plain = await buffer(archive);
  return { plain, packed: gzipSync(plain) };
}

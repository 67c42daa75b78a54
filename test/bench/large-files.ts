/** Files of any length that nobody can compress, served over https on loopback: the same name gives the same bytes. */
import { createCipheriv, createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { loopbackCertificate } from "../support/servers/loopback-certificate.ts";

export interface LargeFiles {
  /** Where a file of that length is. */
  readonly url: (name: string, bytes: number) => string;
  /** PEM file of the certificate that clients have to trust. */
  readonly certFile: string;
  readonly stop: () => Promise<void>;
}

/** @param folder for the certificate. */
export async function serveLargeFiles(folder: string): Promise<LargeFiles> {
  await mkdir(folder, { recursive: true });
  const { key, cert, certFile } = await loopbackCertificate(folder);
  const server = createServer({ key, cert }, (request, response) => {
    const [, name = "", length = "0"] = (request.url ?? "").split("/");
    response.setHeader("content-length", length);
    // A client that goes away is no matter of this side.
    pipeline(Readable.from(noise(name, Number(length))), response).catch(() => undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: (name, bytes) => `https://127.0.0.1:${port}/${name}/${bytes}/${name}`,
    certFile,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A cipher's stream: much faster than random bytes, and as hard to compress. */
function* noise(name: string, bytes: number): Generator<Buffer> {
  const key = createHash("sha256").update(name).digest().subarray(0, 16);
  const cipher = createCipheriv("aes-128-ctr", key, Buffer.alloc(16));
  const zeros = Buffer.alloc(pieceBytes);
  for (let left = bytes; left > 0; left -= pieceBytes)
    yield cipher.update(zeros.subarray(0, Math.min(left, pieceBytes)));
}

const pieceBytes = 1024 * 1024;

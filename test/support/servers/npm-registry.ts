/** A registry of npm packages on loopback: a document per package, and its tarballs. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tgzOf } from "../fixtures/deb-package.ts";

export interface PublishedPackage {
  readonly name: string;
  readonly version: string;
  readonly bytes: Buffer;
  /** Subresource integrity of `bytes`. */
  readonly integrity: string;
}

export interface NpmRegistry {
  readonly url: string;
  /** What npm has asked for. */
  readonly requests: readonly string[];
  readonly publish: (one: PublishedPackage) => void;
  readonly stop: () => Promise<void>;
}

/** A package with one program. @param identity what its package.json says, where that differs. */
export async function npmPackage(
  name: string,
  version: string,
  identity: object = {},
): Promise<PublishedPackage> {
  const manifest = JSON.stringify({ name, version, main: "index.js", ...identity });
  return published(
    name,
    version,
    await tgzOf([
      { path: "package/package.json", content: manifest },
      { path: "package/index.js", content: `module.exports = ${JSON.stringify(`${name}@${version}`)};\n` },
    ]),
  );
}

export function published(name: string, version: string, bytes: Buffer): PublishedPackage {
  const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  return { name, version, bytes, integrity };
}

export async function startNpmRegistry(packages: readonly PublishedPackage[]): Promise<NpmRegistry> {
  const all = new Map(packages.map((one) => [`${one.name}@${one.version}`, one]));
  const requests: string[] = [];
  let url = "";
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "").slice(1);
    requests.push(path);
    const tarball = all.get(path.replace(/^tarballs\//, ""));
    const versions = [...all.values()].filter(({ name }) => name === path);
    if (path.startsWith("tarballs/") && tarball !== undefined) response.end(tarball.bytes);
    else if (versions.length === 0) response.writeHead(404).end("{}");
    else
      response.setHeader("content-type", "application/json").end(
        JSON.stringify({
          name: path,
          "dist-tags": { latest: versions.at(-1)?.version },
          versions: Object.fromEntries(
            versions.map(({ name, version }) => [
              version,
              {
                ...{ name, version },
                // What it publishes of itself may be anything: package-lock.json decides.
                dist: { tarball: `${url}tarballs/${encodeURIComponent(`${name}@${version}`)}` },
              },
            ]),
          ),
        }),
      );
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    ...{ url, requests },
    publish: (one) => all.set(`${one.name}@${one.version}`, one),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

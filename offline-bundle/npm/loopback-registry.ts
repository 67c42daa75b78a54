/**
 * A registry of npm packages on 127.0.0.1 for one run of npm: it answers with what a bundle carries, and with nothing else. The interface
 * is that of a registry (npm/registry, docs/REGISTRY-API.md): one document per package, and tarballs.
 */
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type Problem, SealiftError } from "../../modules/core/errors.ts";
import { digestOfBytes } from "../io/digest.ts";
import { readRegular } from "../io/regular-file.ts";
import type { CarriedPackage } from "./carried-packages.ts";

export interface LoopbackRegistry {
  /** Its path is random: only npm and this process know it. */
  readonly url: string;
  /** E_BUNDLE_DIGEST of the blobs that could not be served. */
  readonly problems: readonly Problem[];
  readonly close: () => Promise<void>;
}

/** @param blobPath path of the blob with a sha256. */
export async function startLoopbackRegistry(
  packages: readonly CarriedPackage[],
  blobPath: (sha256: string) => string,
): Promise<LoopbackRegistry> {
  const prefix = `/${randomBytes(16).toString("hex")}/`;
  const problems: Problem[] = [];
  const byName = Map.groupBy(packages, ({ name }) => name);
  const byPath = new Map(packages.map((one) => [tarballPath(one), one]));
  let url = "";
  const server = createServer((request, response) => {
    const path = pathOf(request.url ?? "");
    const requested = path.startsWith(prefix) ? path.slice(prefix.length) : "";
    const named = byName.get(requested);
    // A mirror whose address is in package-lock.json may have a path of its own before the name.
    const one = byPath.get(tailOf(requested));
    if (request.method !== "GET" || (named === undefined && one === undefined)) {
      response.writeHead(404, { "content-type": "application/json" }).end('{"error":"not in the bundle"}');
      return;
    }
    if (one === undefined) {
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify(documentOf(requested, named ?? [], url)));
      return;
    }
    checkedBlob(one, blobPath(one.sha256)).then(
      (bytes) => response.writeHead(200, { "content-type": "application/octet-stream" }).end(bytes),
      (error: unknown) => {
        if (error instanceof SealiftError) problems.push(...error.problems);
        response.writeHead(404).end();
      },
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${prefix}`;
  return {
    url,
    problems,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/**
 * The bytes of a package, compared with what the signature covers.
 *
 * @throws {SealiftError} E_BUNDLE_DIGEST when they differ, or the blob is not a regular file.
 */
export async function checkedBlob(
  { name, version, sha256, bytes }: CarriedPackage,
  path: string,
): Promise<Buffer> {
  const read = await readRegular(path, bytes, "refuse").catch((error: unknown) =>
    error instanceof Error ? error.message : String(error),
  );
  const found = typeof read === "string" ? read : `sha256 ${digestOfBytes(read).sha256}`;
  if (typeof read !== "string" && found === `sha256 ${sha256}`) return read;
  throw new SealiftError([
    {
      where: path,
      code: "E_BUNDLE_DIGEST",
      subject: `${name}@${version}`,
      found,
      expected: `sha256 ${sha256}, as signed`,
      fix: "copy the bundle again",
    },
  ]);
}

/** As npm derives the address of a tarball: the scope is not part of its name. */
function tarballPath({ name, version }: CarriedPackage): string {
  return `${name}/-/${name.replace(/^.*\//, "")}-${version}.tgz`;
}

function documentOf(name: string, packages: readonly CarriedPackage[], url: string): object {
  const versions = packages.map((one) => {
    const dist = { tarball: `${url}${tarballPath(one)}`, integrity: one.integrity };
    return [one.version, { name, version: one.version, dist }] as const;
  });
  return { name, "dist-tags": {}, versions: Object.fromEntries(versions) };
}

/** The name of a package and what follows it: `@scope/name/-/name-1.0.0.tgz`. */
function tailOf(path: string): string {
  const parts = path.split("/");
  const scoped = parts.at(-4)?.startsWith("@") === true;
  return parts.slice(scoped ? -4 : -3).join("/");
}

/** npm writes the slash of a scope as %2f. */
function pathOf(url: string): string {
  try {
    return decodeURIComponent(url);
  } catch {
    return "";
  }
}

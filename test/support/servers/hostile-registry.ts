/** A registry on loopback that answers each path as instructed, and records requests; for the library's own shell. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quote } from "../../../modules/core/quote.ts";
import { library } from "../fixtures/example-host.ts";
import { loopbackCertificate, type Certificate } from "./loopback-certificate.ts";

interface RecordedRequest {
  readonly line: string;
  readonly authorization: string | undefined;
}

export interface HostileRegistry {
  readonly port: number;
  readonly requests: RecordedRequest[];
  /** How everything is answered from now on. */
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  readonly close: () => void;
}

async function hostileRegistry({ key, cert }: Certificate): Promise<HostileRegistry> {
  const server = createServer({ key, cert }, (request, response) => {
    response.on("error", () => undefined);
    const { authorization } = request.headers;
    registry.requests.push({ line: `${request.method ?? ""} ${request.url ?? ""}`, authorization });
    registry.answer(request, response);
  });
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const registry: HostileRegistry = {
    port: (server.address() as AddressInfo).port,
    requests: [],
    answer: (_, response) => response.writeHead(404).end(),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return registry;
}

interface Called {
  readonly code: number | null;
  readonly output: string;
}

/** A client of two such registries, in a folder of its own: the library's shell with its places in that folder. */
export interface AttackedClient {
  readonly folder: string;
  /** The registry of the site, by the name localhost, and somebody else. */
  readonly registry: HostileRegistry;
  readonly other: HostileRegistry;
  /** What the lock pins. */
  readonly bytes: Buffer;
  readonly sha256: string;
  /** Where pinned bytes are kept. */
  readonly blobs: string;
  /** Calls one function as run.sh does; `callWith` with shell that goes over the library's. */
  readonly callWith: (more: string, ...words: readonly string[]) => Promise<Called>;
  readonly call: (...words: readonly string[]) => Promise<Called>;
  /** The first arguments of apply_downloaded_blob. */
  readonly pinned: readonly string[];
  /** Has the pinned bytes fetched. @param more what comes after whose CA it is. */
  readonly fetchBlob: (...more: readonly string[]) => Promise<Called>;
  /** Forgets what was fetched and asked. */
  readonly reset: () => void;
  readonly end: () => void;
}

export async function attackedClient(): Promise<AttackedClient> {
  const folder = mkdtempSync(join(tmpdir(), "sealift-attack-"));
  const certificate = await loopbackCertificate(folder);
  const [registry, other] = [await hostileRegistry(certificate), await hostileRegistry(certificate)];
  const trusted = join(folder, "certs.d", `localhost:${registry.port}`);
  for (const place of [trusted, join(folder, "etc")]) {
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, "ca.crt"), certificate.cert);
  }
  writeFileSync(join(folder, "etc", "netrc"), "machine localhost login sealift password open-sesame\n");
  const bytes = Buffer.alloc(40_000, "right");
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const blobs = join(folder, "state", "blobs");
  const places = `as_registry() { shift; "$@"; }\nregistry_bytes() { cat "$1"; }\nSEALIFT_BLOBS=${blobs} TRUST_CERTS=${folder}/certs.d REGISTRY_ETC=${folder}/etc REGISTRY_SEEN=${folder}/seen`;
  const callWith = (more: string, ...words: readonly string[]): Promise<Called> =>
    runShell(
      `${library.text}\n${places}\n${more}\nset -u\nattempt ${words.map(quote).join(" ")}\nprintf %s "$attempt_output"\nexit "$attempt_status"`,
    );
  const call = (...words: readonly string[]): Promise<Called> => callWith("", ...words);
  const pinned = [sha256, String(bytes.length), `localhost:${registry.port}`, "files/thing", "own"];
  return {
    ...{ folder, registry, other, bytes, sha256, blobs, call, callWith, pinned },
    fetchBlob: (...more) => call("apply_downloaded_blob", ...pinned, ...more),
    reset: () => {
      rmSync(join(folder, "state"), { recursive: true, force: true });
      registry.requests.length = 0;
      other.requests.length = 0;
    },
    end: () => {
      registry.close();
      other.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Runs a script by the system's sh while this process goes on serving. */
async function runShell(script: string): Promise<Called> {
  const child = spawn("sh", ["-s"], { stdio: ["pipe", "pipe", "pipe"] });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stdin.end(script);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output: Buffer.concat(chunks).toString("latin1") };
}

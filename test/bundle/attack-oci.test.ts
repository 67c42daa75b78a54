/** A malicious registry, and oras as its client: its answers are limited in length, time and redirects, and no oras outlives us. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { before, test } from "node:test";
import { type ClaimBounds, claimsAt } from "../../offline-bundle/fetching/image-claims.ts";
import { limits } from "../../offline-bundle/io/limits.ts";
import { fetchFile } from "../../offline-bundle/fetching/fetch-file.ts";
import { fetchImage } from "../../offline-bundle/fetching/fetch-image.ts";
import { defaultRetryPolicy } from "../../offline-bundle/http/retry-policy.ts";
import { orasBytes } from "../../offline-bundle/oci/oras.ts";
import { checkout } from "../lab/cache.ts";
import { assertRefused } from "../support/assert/assert-refusal.ts";
import { type SourcesUnderTest, sourcesUnderTest } from "../support/fixtures/sources-under-test.ts";
import { undoAfter } from "../support/process/undo.ts";

const bytes = Buffer.from("0123456789");
const sha256 = createHash("sha256").update(bytes).digest("hex");
const pin = { sha256, bytes: bytes.length, manifest: `sha256:${"1".repeat(64)}` };
const digestOf = (body: Uint8Array): string => `sha256:${createHash("sha256").update(body).digest("hex")}`;
const retryPolicy = { ...defaultRetryPolicy, stallMs: 100 };

let site: SourcesUnderTest;
let server: Server;
let host: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const undo = undoAfter();
before(async () => {
  site = await sourcesUnderTest();
  undo(() => site.remove());
  server = createServer(site.certificate, (request, response) => {
    response.on("error", () => undefined);
    answer(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  undo(() => {
    server.closeAllConnections();
    server.close();
  });
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});

const fetchTool = (): Promise<unknown> =>
  fetchFile({ kind: "file", url: `oci:${host}/acme/tool:1` }, pin, { ...site, mirrors: {}, retryPolicy });

const heading = (length: number): Record<string, string> => ({
  "content-length": String(length),
  "docker-content-digest": `sha256:${sha256}`,
});

test(
  "a registry that sends more than is pinned is cut off, and nothing of it stays",
  { timeout: 60_000 },
  async () => {
    answer = ({ method }, response) => {
      response.writeHead(200, heading(2 ** 40));
      // It goes on waiting for the rest.
      if (method === "HEAD") response.end();
      else response.write(Buffer.alloc(1_000_000));
    };
    const [problem] = await assertRefused(fetchTool());
    assert.deepEqual([problem?.code, problem?.found], ["E_DOWNLOAD", "more than 10 bytes"]);
    assert.deepEqual(await readdir(join(site.store, "arriving")), []);
  },
);

test(
  "a registry that never answers times out: a file, an image, a request",
  { timeout: 60_000 },
  async () => {
    answer = () => undefined;
    assert.equal((await assertRefused(fetchTool()))[0]?.found, "0 bytes in 0.4 s");
    const image = { name: `${host}/acme/app:1`, digest: pin.manifest };
    const sources = { store: site.store, mirrors: {}, retryPolicy };
    assert.equal((await assertRefused(fetchImage(image, sources)))[0]?.found, "0 bytes in 0.4 s");
    const question = orasBytes(["resolve"], [`${host}/acme/app:1`], ".", { timeoutMs: 300 });
    assert.equal((await assertRefused(question))[0]?.found, "timed out after 0.3 s");
  },
);

test("a registry cannot redirect to http on another machine", { timeout: 60_000 }, async () => {
  // RFC 5737: nobody has this address.
  answer = (_, response) => response.writeHead(307, { location: "http://192.0.2.1/elsewhere" }).end();
  const [problem] = await assertRefused(orasBytes(["resolve"], [`${host}/acme/app:1`], "."));
  assert.match(problem?.found ?? "", /proxyconnect tcp: dial tcp 127\.0\.0\.1:0/);
});

test(
  "the descriptions of an image share one limit of number, bytes and time, however many there are",
  { timeout: 60_000 },
  async () => {
    const digest = digestOf(bytes);
    const served = new Map<string, Buffer>();
    const serve = (at: string, value: unknown): { readonly digest: string; readonly size: number } => {
      const body = Buffer.from(JSON.stringify(value));
      served.set(at === "blobs" ? `/v2/acme/app/blobs/${digestOf(body)}` : `/v2/acme/app/${at}`, body);
      served.set(`/v2/acme/app/manifests/${digestOf(body)}`, body);
      return { digest: digestOf(body), size: body.length };
    };
    const indexType = "application/vnd.oci.image.index.v1+json";
    const manifestType = "application/vnd.oci.image.manifest.v1+json";
    const manifest = (layers: readonly object[]): object => ({
      ...{ schemaVersion: 2, mediaType: manifestType, layers },
      config: { mediaType: "application/vnd.oci.empty.v1+json", ...serve("blobs", {}) },
    });
    const numbers = Array.from({ length: 20 }, (_, at) => at);
    const simple = { mediaType: "application/vnd.dev.cosign.simplesigning.v1+json" };
    const annotations = { "dev.cosignproject.cosign/signature": "c2ln" };
    const layers = numbers.map((at) => ({ ...simple, annotations, ...serve("blobs", { beside: at }) }));
    serve(`manifests/${digest.replace(":", "-")}.sig`, manifest(layers));
    const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";
    const referrer = (at: number, signatures: number, statement: object = {}): object => {
      const payload = Buffer.from(JSON.stringify(statement)).toString("base64");
      const signed = { payload, payloadType: "application/vnd.in-toto+json" };
      const envelope = { ...signed, signatures: Array.from({ length: signatures }, () => ({ sig: "c2ln" })) };
      const layer = { mediaType: bundleType, ...serve("blobs", { at, dsseEnvelope: envelope }) };
      const made = serve("blobs", manifest([layer]));
      return { mediaType: manifestType, artifactType: bundleType, ...made };
    };
    const refer = (all: readonly object[]): unknown =>
      serve(`referrers/${digest}`, {
        schemaVersion: 2,
        mediaType: indexType,
        manifests: all,
      });
    serve(`manifests/${digest}`, manifest([]));
    served.set(`/v2/acme/app/manifests/${digest}`, bytes);
    let requests: string[] = [];
    answer = ({ url = "", method }, response) => {
      const [path = ""] = url.split("?");
      const body = served.get(path);
      if (path.includes("/blobs/") && method === "GET") requests.push(path);
      const headers = {
        "content-type": path.includes("/referrers/") ? indexType : manifestType,
        "docker-content-digest": body === undefined ? "" : digestOf(body),
      };
      if (body === undefined) response.writeHead(404).end();
      else
        response
          .writeHead(200, { ...headers, "content-length": body.length })
          .end(method === "HEAD" ? undefined : body);
    };
    const claims = async (bounds: Partial<ClaimBounds>): Promise<number> => {
      requests = [];
      return (await claimsAt(`${host}/acme/app`, digest, { ...limits.claims, ...bounds })).length;
    };
    refer(numbers.map((at) => referrer(at, 1)));
    assert.deepEqual([await claims({ count: 8 }), requests.length], [8, 8]);
    // Other bytes than the registry itself names are nobody's.
    const [path = ""] = requests;
    const right = served.get(path) ?? Buffer.alloc(0);
    served.set(path, Buffer.from(right.toString().replace(/\d/, (one) => String((Number(one) + 1) % 10))));
    assert.match((await assertRefused(claims({ count: 8 })))[0]?.code ?? "", /^E_(PIN|DOWNLOAD)$/);
    served.set(path, right);
    // What cannot be read counts as none: bytes that are no manifest, and names that are no texts.
    const odd = { ...referrer(20, 1), ...serve("blobs", { manifests: 7 }) };
    const subject = [{ digest: { sha256: { toString: 7 } } }, { digest: { sha256: "1".repeat(64) } }];
    const statement = { predicateType: "https://sigstore.dev/cosign/sign/v1", subject };
    refer([referrer(0, 1), odd, referrer(1, 1, statement)]);
    assert.equal(await claims({ count: 8 }), 4 + 2);
    serve(`manifests/${digest.replace(":", "-")}.sig`, []);
    assert.equal(await claims({ count: 8 }), 2);
    serve(`manifests/${digest.replace(":", "-")}.sig`, manifest(layers));
    refer(numbers.map((at) => referrer(at, 1)));
    // What is under way when the bound is reached still comes: four at a time.
    assert.ok((await claims({ bytes: 1 })) <= 4, "bytes");
    // A bundle has one signature: a hundred of them in one are not verified.
    refer([referrer(0, 100)]);
    assert.equal(await claims({ count: 2 }), 1);
    const fast = answer;
    answer = (request, response) => {
      if (!(request.url ?? "").includes("/blobs/")) fast(request, response);
    };
    assert.equal((await assertRefused(claims({ ms: 2_000 })))[0]?.found, "timed out after 2 s");
  },
);

test("no oras outlives the program that has started it", { timeout: 60_000 }, async () => {
  const script = `
    import { resolveOci } from ${JSON.stringify(join(checkout, "offline-bundle", "fetching", "oci-file.ts"))};
    process.stdin.on("end", () => process.exit(0)).resume();
    await resolveOci(${JSON.stringify(`${host}/acme/app:1`)});`;
  for (const way of ["SIGTERM", "SIGINT", "exit"] as const) {
    const requests = new Promise<IncomingMessage>((resolve) => {
      answer = (request) => {
        resolve(request);
      };
    });
    const args = ["--input-type=module", "--eval", script];
    const child = spawn(process.execPath, args, { stdio: ["pipe", "inherit", "inherit"] });
    const { socket } = await requests;
    const hungUp = new Promise((resolve) => socket.once("close", resolve));
    const ended = once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>;
    if (way === "exit") child.stdin.end();
    else child.kill(way);
    assert.deepEqual(await ended, way === "exit" ? [0, null] : [null, way]);
    await hungUp;
  }
});

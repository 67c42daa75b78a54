/** A file server on loopback that misbehaves as instructed. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

/** How one path behaves. Without anything it is a decent file: ETag, ranges, If-Range, the right length. */
export interface Behaviour {
  /** What is there; a function of the number of the request, from 0, for a file that changes. */
  readonly content?: Buffer | ((request: number) => Buffer);
  /** Default: one that belongs to the content; "none": it sends none. */
  readonly etag?: string;
  /** Range requests are answered with the whole file. */
  readonly noRanges?: true;
  /** Only the first requests are answered so; each is answered once, in order. */
  readonly first?: readonly {
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
  }[];
  /** Connections are cut after so many bytes of the file; a function of the number of the request, from 0. */
  readonly cutAfter?: number | ((request: number) => number);
  /** After so many bytes nothing more comes, but the connection stays. */
  readonly stallAfter?: number;
  /** The length that is announced, whatever there is. */
  readonly announce?: number;
  /** Bytes come one by one, this many milliseconds apart. */
  readonly trickleMs?: number;
  /** 206 with a Content-Range that starts so many bytes further on. */
  readonly shiftRange?: number;
  readonly redirect?: string;
  /** The Authorization header that is asked for. */
  readonly login?: string;
}

export interface ReceivedRequest {
  readonly path: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly authorization: string | undefined;
}

export interface HostileServer {
  readonly port: number;
  readonly url: (path: string) => URL;
  readonly requests: readonly ReceivedRequest[];
  /** Another behaviour of a path from now on. */
  readonly set: (path: string, behaviour: Behaviour) => void;
  readonly close: () => void;
}

export async function hostileServer(
  paths: Readonly<Record<string, Behaviour>>,
  tls?: { readonly key: string; readonly cert: string },
): Promise<HostileServer> {
  const requests: ReceivedRequest[] = [];
  const behaviour = new Map(Object.entries(paths));
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const path = (request.url ?? "").replace(/^\//, "").replace(/\?.*$/, "");
    const { range, authorization } = request.headers;
    const count = requests.filter((one) => one.path === path).length;
    requests.push({ path, range, ifRange: request.headers["if-range"]?.toString(), authorization });
    // A client that disconnects must not end this process.
    response.on("error", () => undefined);
    serve(behaviour.get(path), count, request, response);
  };
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: (path) => new URL(`${tls === undefined ? "http" : "https"}://127.0.0.1:${port}/${path}`),
    requests,
    set: (path, changed) => behaviour.set(path, changed),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function serve(
  behaviour: Behaviour | undefined,
  count: number,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const early = behaviour?.first?.[count];
  if (behaviour === undefined) response.writeHead(404).end();
  else if (behaviour.login !== undefined && request.headers.authorization !== behaviour.login)
    response.writeHead(401).end("who are you?");
  else if (early !== undefined) response.writeHead(early.status, early.headers).end("not now");
  else if (behaviour.redirect !== undefined)
    response.writeHead(302, { location: behaviour.redirect }).end("over there");
  else sendFile(behaviour, count, request, response);
}

function sendFile(
  behaviour: Behaviour,
  count: number,
  { headers }: IncomingMessage,
  response: ServerResponse,
): void {
  const { content = Buffer.alloc(0), shiftRange = 0, announce } = behaviour;
  const complete = typeof content === "function" ? content(count) : content;
  const etag = behaviour.etag ?? `"${complete.length}-${complete.subarray(0, 64).toString("hex")}"`;
  const same = headers["if-range"] === undefined || headers["if-range"] === etag;
  const requested =
    behaviour.noRanges === true || !same ? undefined : /^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1];
  const start = Number(requested ?? 0);
  if (requested !== undefined && start >= complete.length) {
    response.writeHead(416, { "content-range": `bytes */${complete.length}` }).end();
    return;
  }
  const body = complete.subarray(start);
  response.writeHead(requested === undefined ? 200 : 206, {
    "content-length": announce ?? body.length,
    ...(etag === "none" ? {} : { etag }),
    ...(requested === undefined
      ? {}
      : { "content-range": `bytes ${start + shiftRange}-${complete.length - 1}/${complete.length}` }),
  });
  const { cutAfter } = behaviour;
  sendBody(behaviour, typeof cutAfter === "function" ? cutAfter(count) : cutAfter, body, response);
}

function sendBody(
  { stallAfter, trickleMs, announce }: Behaviour,
  cutAfter: number | undefined,
  body: Buffer,
  response: ServerResponse,
): void {
  if (trickleMs !== undefined) {
    let at = 0;
    const timer = setInterval(() => {
      if (at === body.length || response.destroyed) {
        clearInterval(timer);
        response.end();
      } else response.write(body.subarray(at, ++at));
    }, trickleMs);
    return;
  }
  const end = Math.min(cutAfter ?? body.length, stallAfter ?? body.length, announce ?? body.length);
  const sent = body.subarray(0, end);
  if (stallAfter !== undefined && stallAfter < body.length) response.write(sent);
  else if (sent.length < (announce ?? body.length)) {
    response.write(sent, () => response.destroy());
    if (sent.length === 0) response.destroy();
  } else response.end(sent);
}

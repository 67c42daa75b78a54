/** A file server on loopback that behaves as badly as it is told to. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

/** How one path behaves. Without anything it is a decent file: ETag, ranges, If-Range, the right length. */
export interface Manners {
  /** What is there; a function of the number of the request, from 0, for a file that changes. */
  readonly content?: Buffer | ((request: number) => Buffer);
  /** Default: one that belongs to the content; "none": it tells none. */
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

export interface SeenRequest {
  readonly path: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly authorization: string | undefined;
}

export interface HostileServer {
  readonly port: number;
  readonly url: (path: string) => URL;
  readonly requests: readonly SeenRequest[];
  /** Another behaviour of a path from now on. */
  readonly set: (path: string, manners: Manners) => void;
  readonly close: () => void;
}

export async function hostileServer(
  paths: Readonly<Record<string, Manners>>,
  tls?: { readonly key: string; readonly cert: string },
): Promise<HostileServer> {
  const requests: SeenRequest[] = [];
  const manners = new Map(Object.entries(paths));
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const path = (request.url ?? "").replace(/^\//, "").replace(/\?.*$/, "");
    const { range, authorization } = request.headers;
    const count = requests.filter((one) => one.path === path).length;
    requests.push({ path, range, ifRange: request.headers["if-range"]?.toString(), authorization });
    // Whoever hangs up is not to end this process.
    response.on("error", () => undefined);
    serve(manners.get(path), count, request, response);
  };
  const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: (path) => new URL(`${tls === undefined ? "http" : "https"}://127.0.0.1:${port}/${path}`),
    requests,
    set: (path, changed) => manners.set(path, changed),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function serve(
  manners: Manners | undefined,
  count: number,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const early = manners?.first?.[count];
  if (manners === undefined) response.writeHead(404).end();
  else if (manners.login !== undefined && request.headers.authorization !== manners.login)
    response.writeHead(401).end("who are you?");
  else if (early !== undefined) response.writeHead(early.status, early.headers).end("not now");
  else if (manners.redirect !== undefined)
    response.writeHead(302, { location: manners.redirect }).end("over there");
  else sendFile(manners, count, request, response);
}

function sendFile(
  manners: Manners,
  count: number,
  { headers }: IncomingMessage,
  response: ServerResponse,
): void {
  const { content = Buffer.alloc(0), shiftRange = 0, announce } = manners;
  const whole = typeof content === "function" ? content(count) : content;
  const etag = manners.etag ?? `"${whole.length}-${whole.subarray(0, 64).toString("hex")}"`;
  const same = headers["if-range"] === undefined || headers["if-range"] === etag;
  const asked =
    manners.noRanges === true || !same ? undefined : /^bytes=(\d+)-$/.exec(headers.range ?? "")?.[1];
  const start = Number(asked ?? 0);
  if (asked !== undefined && start >= whole.length) {
    response.writeHead(416, { "content-range": `bytes */${whole.length}` }).end();
    return;
  }
  const body = whole.subarray(start);
  response.writeHead(asked === undefined ? 200 : 206, {
    "content-length": announce ?? body.length,
    ...(etag === "none" ? {} : { etag }),
    ...(asked === undefined
      ? {}
      : { "content-range": `bytes ${start + shiftRange}-${whole.length - 1}/${whole.length}` }),
  });
  const { cutAfter } = manners;
  sendBody(manners, typeof cutAfter === "function" ? cutAfter(count) : cutAfter, body, response);
}

function sendBody(
  { stallAfter, trickleMs, announce }: Manners,
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

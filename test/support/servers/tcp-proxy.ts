/** The way to a server, which a test can cut or hold at a byte: a relay on loopback. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { Transform } from "node:stream";

export interface TcpProxy {
  readonly port: number;
  /** Bytes that have passed, both ways, since the start or since the last `hold`. */
  readonly carried: () => number;
  /**
   * Counts from 0 again, and once so many bytes have passed no more do, until `release`.
   *
   * @param at nothing passes either from the first piece on in which this is found. Default: no such piece.
   * @returns a promise of the moment from which on a client waits for what does not come.
   */
  readonly hold: (bytes: number, at?: RegExp) => Promise<void>;
  /** What was held goes on, as far as its client still is there. */
  readonly release: () => void;
  /** Connections from now on go there. */
  readonly redirect: (to: number | string) => void;
  /** Every connection that is open breaks off; the next one is carried again. */
  readonly cut: () => void;
  readonly end: () => void;
}

/** @param first a port on loopback, or the path of a socket. */
export async function startTcpProxy(first: number | string): Promise<TcpProxy> {
  const open = new Set<Socket>();
  const waiting = new Set<() => void>();
  let to = first;
  let carried = 0;
  let [limit, reached] = [Infinity, (): void => undefined];
  let place: RegExp | undefined;
  const keep = (socket: Socket): Socket => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    // A cut is what this is for.
    return socket.on("error", () => undefined);
  };
  const gate = (): Transform =>
    new Transform({
      transform: (bytes: Buffer, _encoding, done) => {
        const pass = (): void => {
          carried += bytes.length;
          done(null, bytes);
        };
        if (place?.test(bytes.toString("latin1")) === true) limit = carried;
        if (carried + bytes.length <= limit) {
          pass();
          return;
        }
        waiting.add(pass);
        reached();
      },
    });
  const server = createServer((near) => {
    const far = keep(typeof to === "string" ? connect(to) : connect(to, "127.0.0.1"));
    keep(near).pipe(gate()).pipe(far).pipe(gate()).pipe(near);
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    for (const socket of open) {
      socket.unpipe();
      // A socket that is being ended cannot be reset any more, and would stay for ever (Node 24.21).
      if (socket.writableEnded || socket.writableLength > 0) socket.destroy();
      else socket.resetAndDestroy();
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    carried: () => carried,
    hold: (bytes, at) => {
      carried = 0;
      limit = bytes;
      place = at;
      return new Promise((resolve) => (reached = resolve));
    },
    release: () => {
      limit = Infinity;
      place = undefined;
      for (const pass of waiting) pass();
      waiting.clear();
    },
    redirect: (next) => {
      to = next;
    },
    cut,
    end: () => {
      cut();
      server.close();
    },
  };
}

/** The way to a guest's sshd, which a test can cut: a relay on loopback. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface Wire {
  readonly port: number;
  /** Every connection that is open breaks off; the next one is carried again. */
  readonly cut: () => void;
  readonly end: () => void;
}

export async function startWire(to: number): Promise<Wire> {
  const open = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    // A cut is what this is for.
    return socket.on("error", () => undefined);
  };
  const server = createServer((near) => {
    const far = keep(connect(to, "127.0.0.1"));
    keep(near).pipe(far).pipe(near);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (): void => {
    for (const socket of open) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    end: () => {
      cut();
      server.close();
    },
  };
}

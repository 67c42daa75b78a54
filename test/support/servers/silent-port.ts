/** A port on loopback at which nobody answers. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Sockets that hold their ports until this process ends. */
const held: Socket[] = [];

/**
 * Whoever connects is refused at once, and nobody else can begin to listen there while this process runs: it is the near end of a
 * connection of this process to itself.
 */
export async function silentPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const near = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [[far]] = (await Promise.all([once(server, "connection"), once(near, "connect")])) as [
    [Socket],
    unknown,
  ];
  server.close();
  for (const socket of [near, far]) held.push(socket.unref());
  return near.localPort ?? 0;
}

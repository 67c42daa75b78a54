/** A server that only counts its connections and treats each as instructed. */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";

export interface CountingServer {
  readonly server: Server;
  readonly port: number;
  connections(): number;
}

export async function counting(take: (socket: Socket) => void): Promise<CountingServer> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on("error", () => undefined);
    take(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  server.unref();
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server listens on no port");
  return { port: address.port, server, connections: () => connections };
}

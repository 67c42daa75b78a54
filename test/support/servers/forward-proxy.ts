/** A forward proxy on loopback that knows names nobody else knows: who reaches them came through it. */
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

export interface ForwardProxy {
  readonly url: string;
  /** Targets of CONNECT, in order: `files.example:443`. */
  readonly tunnels: readonly string[];
  readonly close: () => void;
}

/** @param names where each host and port leads: `files.example:443` to a port on loopback. */
export async function forwardProxy(names: Readonly<Record<string, number>>): Promise<ForwardProxy> {
  const tunnels: string[] = [];
  const open = new Set<Socket>();
  const server = createServer((_request, response) => {
    response.writeHead(405).end("tunnels only");
  });
  server.on("connect", (request, client: Socket, head: Buffer) => {
    const target = request.url ?? "";
    tunnels.push(target);
    const port = names[target];
    if (port === undefined) {
      client.end("HTTP/1.1 502 nobody knows it\r\n\r\n");
      return;
    }
    const far = connect(port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 tunnel\r\n\r\n");
      far.write(head);
      far.pipe(client).pipe(far);
    });
    for (const [one, other] of [
      [far, client],
      [client, far],
    ] as const) {
      open.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => open.delete(one));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tunnels,
    close: () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

/** An ssh connection as a resource's `connection` describes it. */
import { connect as connectSocket } from "node:net";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { Client } from "ssh2";
import type { InputSchema } from "./check.ts";
import { inWords } from "./dial-error.ts";
import { loginOptions } from "./login.ts";
import { isObject, open, type Json, type Properties } from "./properties.ts";
import { withRetries } from "./retry.ts";

const endpoint: InputSchema["fields"] = {
  host: { type: "string", required: true },
  port: { type: "float64", default: 22 },
  user: { type: "string", default: "root" },
  password: { type: "string", secret: true },
  privateKey: { type: "string", secret: true },
  privateKeyPassword: { type: "string", secret: true },
  agentSocketPath: { type: "string" },
  dialErrorLimit: { type: "int", default: 10 },
  perDialTimeout: { type: "int", default: 15 },
  hostKey: { type: "string" },
};

export const connectionInputs: InputSchema = {
  name: "Connection",
  fields: { ...endpoint, proxy: { type: { name: "ProxyConnection", fields: endpoint } } },
};

/** One end of a connection; meanings, units and defaults as in @pulumi/command 1.2.1, remote.ConnectionArgs. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly privateKey: string | undefined;
  readonly privateKeyPassword: string | undefined;
  readonly agentSocketPath: string | undefined;
  /** -1 means no limit. */
  readonly dialErrorLimit: number;
  /** Seconds; 0 means no limit. */
  readonly perDialTimeout: number;
  readonly hostKey: string | undefined;
}

export interface Connected {
  readonly client: Client;
  /** Closes it, and the proxy's connection under it. */
  readonly end: () => void;
}

/**
 * Connects, by way of the proxy if there is one, and tries again as often as `dialErrorLimit` allows.
 * @param value the resource's `connection`
 * @param signal ends the dialling; what becomes of the connection then is up to whoever uses it
 * @param report receives a line for each attempt that failed
 * @throws {Error} `after <n> failed attempts: <why>`, in the words of the official plugin
 */
export async function dial(
  value: Json,
  signal: AbortSignal,
  report: (line: string) => void,
): Promise<Connected> {
  const plain = open(value);
  if (!isObject(plain)) throw new Error("the connection is not known");
  const target = readEndpoint(plain);
  const options = await loginOptions(target);
  const proxy = plain["proxy"];
  if (!isObject(proxy)) {
    const client = await withRetries("Dial", target.dialErrorLimit, signal, report, () =>
      logIn(target, options, undefined, signal),
    );
    return { client, end: () => client.end() };
  }
  return dialThrough(readEndpoint(proxy), target, signal, report).catch((error: unknown) => {
    throw new Error(`proxy: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  });
}

async function dialThrough(
  proxy: Endpoint,
  target: Endpoint,
  signal: AbortSignal,
  report: (line: string) => void,
): Promise<Connected> {
  const [proxyOptions, options] = [await loginOptions(proxy), await loginOptions(target)];
  const first = await withRetries("Dial proxy", proxy.dialErrorLimit, signal, report, () =>
    logIn(proxy, proxyOptions, undefined, signal),
  );
  try {
    const client = await withRetries("Dial from proxy", target.dialErrorLimit, signal, report, async () => {
      const through = await forward(first, target);
      return logIn(target, options, through, signal);
    });
    return {
      client,
      end: () => {
        client.end();
        first.end();
      },
    };
  } catch (error) {
    first.end();
    throw error;
  }
}

function forward(client: Client, { host, port }: Endpoint): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    client.forwardOut("127.0.0.1", 0, host, port, (error, channel) => {
      if (error === undefined) resolve(channel);
      else reject(error);
    });
  });
}

async function logIn(
  endpoint: Endpoint,
  options: Awaited<ReturnType<typeof loginOptions>>,
  through: Duplex | undefined,
  signal: AbortSignal,
): Promise<Client> {
  const sock = through ?? connectSocket(endpoint.port, endpoint.host);
  const client = new Client();
  // The first error ends the dialling below; ssh2 may emit another after it. A connection that breaks later ends its
  // channels, and that is where it is noticed.
  client.on("error", () => undefined);
  const end = (): void => {
    client.destroy();
    sock.destroy();
  };
  const closed = new AbortController();
  client.once("close", () => {
    closed.abort(new Error("the connection closed"));
  });
  try {
    client.connect({ ...options, sock });
    // A connection that ends between its handshake and the answer to its login has no error, and no time limit any more.
    await once(client, "ready", { signal: AbortSignal.any([signal, closed.signal]) });
  } catch (error) {
    end();
    throw inWords(closed.signal.aborted && !signal.aborted ? closed.signal.reason : error, endpoint);
  }
  return client;
}

function readEndpoint(values: Properties): Endpoint {
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  const count = (name: string, fallback: number): number => {
    const value = values[name];
    return typeof value === "number" ? value : fallback;
  };
  return {
    host: text("host") ?? "",
    port: count("port", 22),
    user: text("user") ?? "root",
    password: text("password"),
    privateKey: text("privateKey"),
    privateKeyPassword: text("privateKeyPassword"),
    agentSocketPath: text("agentSocketPath"),
    dialErrorLimit: count("dialErrorLimit", 10),
    perDialTimeout: count("perDialTimeout", 15),
    hostKey: text("hostKey"),
  };
}

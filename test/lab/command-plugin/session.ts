/**
 * A bare session channel, on which environment and command are separate, answered requests (RFC 4254, section 6).
 * ssh2 sends the environment without asking for an answer, so that a variable that the server refuses would go
 * unnoticed; hence the few internals of ssh2 1.17.0 that are named here and nowhere else.
 */
import { once } from "node:events";
import type { Client, ClientChannel } from "ssh2";

export interface Session {
  /** @throws {Error} when the server refuses the variable (AcceptEnv) */
  setEnv(name: string, value: string): Promise<void>;
  /** Runs the command and waits until its channel has closed. */
  run(
    command: string,
    stdin: string,
    receive: (stream: "stdout" | "stderr", chunk: Buffer) => void,
  ): Promise<Exit>;
}

export interface Exit {
  /** Undefined when the connection broke before the command ended. */
  readonly status?: number;
  /** Name without SIG. */
  readonly signal?: string;
  /** Whether all of stdin went out before the channel closed. */
  readonly stdinSent: boolean;
}

interface Internals {
  readonly _protocol: {
    session(channel: number, window: number, packetSize: number): void;
    env(channel: number, name: string, value: string, wantReply: boolean): void;
    exec(channel: number, command: string, wantReply: boolean): void;
  };
  readonly _chanMgr: { add(opened: Opened): number };
}

type Channel = Omit<ClientChannel, "subtype"> & {
  readonly outgoing: { readonly id: number };
  readonly _callbacks: ((failed: boolean | Error) => void)[];
  subtype: string;
};

type Opened = ((error: Error | undefined, channel: Channel) => void) & { type?: string };

const windowBytes = 2 * 1024 * 1024;
const packetBytes = 32 * 1024;

export async function openSession(client: Client): Promise<Session> {
  const { _protocol: protocol, _chanMgr: channels } = client as unknown as Internals;
  const channel = await new Promise<Channel>((resolve, reject) => {
    const opened: Opened = (error, it) => {
      if (error === undefined) resolve(it);
      else reject(error);
    };
    opened.type = "session";
    protocol.session(channels.add(opened), windowBytes, packetBytes);
  });

  // A request that is sent after the end would wait for an answer that cannot come.
  let ended = false;
  channel.once("close", () => {
    ended = true;
  });

  const answered = (refused: string, send: () => void, granted?: () => void): Promise<void> =>
    new Promise((resolve, reject) => {
      if (ended) {
        reject(new Error("the connection closed"));
        return;
      }
      channel._callbacks.push((failed) => {
        if (failed === false) {
          granted?.();
          resolve();
        } else reject(failed === true ? new Error(refused) : failed);
      });
      channel.once("close", () => {
        reject(new Error("the connection closed"));
      });
      send();
    });

  return {
    setEnv: (name, value) =>
      answered("ssh: setenv failed", () => {
        protocol.env(channel.outgoing.id, name, value, true);
      }),
    run: async (command, stdin, receive) => {
      // All listeners come before the request, and stdin goes out from within the answer: a quick command has its answer,
      // its output and its end in one packet.
      let exit: Omit<Exit, "stdinSent"> = {};
      let stdinSent = stdin === "";
      channel.once("exit", (...[status, signal]: [number] | [null, string]) => {
        exit = status === null ? { signal: signal.replace(/^SIG/, "") } : { status };
      });
      channel.on("data", (chunk: Buffer) => {
        receive("stdout", chunk);
      });
      channel.stderr.on("data", (chunk: Buffer) => {
        receive("stderr", chunk);
      });
      const closed = once(channel, "close");
      channel.subtype = "exec";
      channel.allowHalfOpen = true;
      // The command may end without reading all of its input.
      channel.on("error", () => undefined);
      const feed = (): void => {
        if (stdin !== "")
          channel.write(stdin, (error) => {
            stdinSent = error === undefined || error === null;
          });
        channel.end();
      };
      const start = (): void => {
        protocol.exec(channel.outgoing.id, command, true);
      };
      await answered("ssh: command failed", start, feed);
      if (!ended) await closed;
      return { ...exit, stdinSent };
    },
  };
}

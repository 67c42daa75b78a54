/**
 * A real OpenSSH server on loopback, for tests. It runs as the user of the test, serves that user alone, and
 * takes nothing from the machine's own configuration.
 * Source of the options: sshd_config(5), OpenSSH 9.2.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { onExit } from "../process/on-exit.ts";
import { makeSshdFiles, type SshdOptions } from "./sshd-files.ts";

export interface Sshd {
  readonly host: "127.0.0.1";
  readonly port: number;
  readonly user: string;
  /** The host's public key as one line: type and key. */
  readonly hostKey: string;
  /** The private key that may log in, in OpenSSH's own format, without a passphrase. */
  readonly privateKey: string;
  /** File with that key, for tools that take a path. */
  readonly privateKeyFile: string;
  /** Where a relative path over SFTP starts. */
  readonly home: string;
  /** Folder of this server alone, gone after stop(). */
  readonly directory: string;
  /** How many connections it has taken so far. */
  connections(): number;
  /** What the server has logged so far. */
  log(): Promise<string>;
  /** Ends the server and all its sessions, and removes its folder. */
  stop(): Promise<void>;
}

/**
 * Starts the server on a free port. This process listens and hands each connection to an `sshd -i` of its own, so
 * that nothing listens any more once this process is gone, however it ended.
 * @throws {Error} when openssh-server is not installed
 */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const { directory, configFile, logFile, home, user, hostKey, clientKeyFile } = await makeSshdFiles(options);
  const sessions = new Set<ChildProcess>();
  let connections = 0;
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    connections += 1;
    const session = serve(socket, configFile, logFile);
    sessions.add(session);
    session.once("exit", () => sessions.delete(session));
  });
  const port = await listen(server);
  const end = (): void => {
    server.close();
    // Not SIGTERM: a session may miss it and then lasts as long as its client.
    for (const session of sessions) session.kill("SIGKILL");
  };
  const forget = onExit(() => {
    end();
    rmSync(directory, { recursive: true, force: true });
  });

  return {
    host: "127.0.0.1",
    port,
    user,
    hostKey,
    privateKey: await readFile(clientKeyFile, "utf8"),
    privateKeyFile: clientKeyFile,
    home,
    directory,
    connections: () => connections,
    log: () => readFile(logFile, "utf8").catch(() => ""),
    stop: async () => {
      const ended = [...sessions].map((session) => once(session, "exit"));
      end();
      await Promise.all(ended);
      forget();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function serve(socket: Socket, configFile: string, logFile: string): ChildProcess {
  // sshd re-executes itself and therefore wants to be called by its full path.
  const session = spawn("/usr/sbin/sshd", ["-i", "-f", configFile, "-E", logFile], {
    stdio: [socket, socket, "ignore"],
    env: { PATH: process.env["PATH"] ?? "" },
  });
  session.once("error", () => socket.destroy());
  session.once("spawn", () => socket.destroy());
  return session;
}

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A test that forgets to stop its server still ends.
  server.unref();
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server listens on no port");
  return address.port;
}

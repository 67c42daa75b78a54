/**
 * A real OpenSSH server on loopback, for tests. It runs as the user of the test, serves that user alone, and
 * takes nothing from the machine's own configuration.
 * Source of the options: sshd_config(5), OpenSSH 9.2.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { userInfo } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { cachePath } from "../lab/cache.ts";
import { onExit } from "./on-exit.ts";

const run = promisify(execFile);

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
 * @param acceptEnv patterns of the environment variables that a client may set
 * @throws {Error} when openssh-server is not installed
 */
export async function startSshd({ acceptEnv = "SEALIFT_TEST_* PULUMI_COMMAND_*" } = {}): Promise<Sshd> {
  await mkdir(cachePath("tmp"), { recursive: true });
  const directory = await mkdtemp(cachePath("tmp", "sshd-"));
  const { username: user, uid } = userInfo();
  const home = join(directory, "home");
  const logFile = join(directory, "sshd.log");
  const configFile = join(directory, "sshd_config");
  await mkdir(home);
  const [hostKey, clientKey] = await Promise.all([
    makeKey(directory, "host_key"),
    makeKey(directory, "client_key"),
  ]);
  await writeFile(join(directory, "authorized_keys"), `${clientKey}\n`);
  await writeFile(configFile, configuration(directory, home, acceptEnv, await needsPam(user, uid)));
  // As root, sshd insists on this folder, which its own service makes at each start of the machine.
  if (uid === 0) await mkdir("/run/sshd", { recursive: true, mode: 0o755 });

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
    privateKey: await readFile(join(directory, "client_key"), "utf8"),
    privateKeyFile: join(directory, "client_key"),
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

/** Makes an ed25519 key pair; the public half as `type key`. */
async function makeKey(directory: string, name: string): Promise<string> {
  const file = join(directory, name);
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file]);
  const line = await readFile(`${file}.pub`, "utf8");
  return line.trim().split(" ").slice(0, 2).join(" ");
}

function configuration(directory: string, home: string, acceptEnv: string, pam: boolean): string {
  const options: Readonly<Record<string, string>> = {
    HostKey: join(directory, "host_key"),
    AuthorizedKeysFile: join(directory, "authorized_keys"),
    // The folder may sit below one that others can write, such as a shared cache.
    StrictModes: "no",
    PubkeyAuthentication: "yes",
    PasswordAuthentication: "no",
    KbdInteractiveAuthentication: "no",
    PermitRootLogin: "prohibit-password",
    UsePAM: pam ? "yes" : "no",
    AcceptEnv: acceptEnv,
    PrintMotd: "no",
    LogLevel: "VERBOSE",
    PidFile: "none",
    // Keeps the person's own shell start-up files out of the tests.
    SetEnv: `HOME=${home}`,
    Subsystem: `sftp internal-sftp -d ${home}`,
  };
  return Object.entries(options)
    .map(([key, value]) => `${key} ${value}\n`)
    .join("");
}

/** Without PAM, sshd refuses an account whose password is locked with `!`, even by key. */
async function needsPam(user: string, uid: number): Promise<boolean> {
  if (uid !== 0) return false;
  const shadow = await readFile("/etc/shadow", "utf8").catch(() => "");
  return shadow.split("\n").some((line) => line.startsWith(`${user}:!`));
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

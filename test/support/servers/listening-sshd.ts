/** An sshd on loopback that listens by itself: for what only the listener decides, as how many may knock at a time. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../../lab/free-port.ts";
import { onExit } from "../process/on-exit.ts";
import { makeSshdFiles, type SshdFiles, type SshdOptions } from "./sshd-files.ts";

export interface ListeningSshd extends SshdFiles {
  readonly host: "127.0.0.1";
  readonly port: number;
  readonly pid: number;
  /** What the server has logged so far. */
  readonly log: () => string;
  readonly stop: () => Promise<void>;
}

/** It ends with this process, however that ends (setpriv(1)). */
export async function startListeningSshd(options: SshdOptions = {}): Promise<ListeningSshd> {
  const files = await makeSshdFiles(options);
  const { child, port } = await listening(files);
  const end = (): void => {
    child.kill();
    rmSync(files.directory, { recursive: true, force: true });
  };
  const forget = onExit(end);
  child.unref();
  return {
    ...files,
    host: "127.0.0.1",
    port,
    pid: child.pid ?? 0,
    log: () => readFileSync(files.logFile, "utf8"),
    stop: async () => {
      // Without it, a program that waits for nothing else ends here.
      child.ref();
      const ended = child.exitCode === null ? once(child, "exit") : undefined;
      end();
      await ended;
      forget();
    },
  };
}

/** It takes no port 0; this is for one that somebody took first. */
const portTries = 5;
const pollMs = 20;

async function listening({ configFile, logFile }: SshdFiles): Promise<{ child: ChildProcess; port: number }> {
  for (let tries = 1; ; tries += 1) {
    const port = await freePort();
    const args = ["-D", "-f", configFile, "-E", logFile, "-p", String(port), "-o", "ListenAddress=127.0.0.1"];
    // sshd re-executes itself and therefore wants to be called by its full path.
    const child = spawn("setpriv", ["--pdeathsig", "TERM", "/usr/sbin/sshd", ...args], { stdio: "ignore" });
    const log = (): string => (existsSync(logFile) ? readFileSync(logFile, "utf8") : "");
    while (child.exitCode === null) {
      if (log().includes(`Server listening on 127.0.0.1 port ${port}.`)) return { child, port };
      await pause(pollMs);
    }
    if (tries === portTries) throw new Error(`sshd ended with ${child.exitCode}: ${log()}`);
  }
}

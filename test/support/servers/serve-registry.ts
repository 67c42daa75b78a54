/** CNCF Distribution's server, started on a port that it chooses itself. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { onExit } from "../process/on-exit.ts";

export interface Serving {
  readonly port: number;
  readonly end: (signal: NodeJS.Signals) => Promise<void>;
}

const pollMs = 25;

/**
 * Starts `registry` from the PATH and waits until it says where it listens.
 *
 * @param configFile with `127.0.0.1:0` as its address, and a log of level info.
 * @param logFile gets its words: a test that waits for a program without reading pipes must not make the registry wait.
 * @throws {Error} with its log when it ends instead.
 */
export async function serveRegistry(configFile: string, logFile: string): Promise<Serving> {
  writeFileSync(logFile, "");
  const output = openSync(logFile, "a");
  const child = spawn("registry", ["serve", configFile], {
    stdio: ["ignore", output, output],
    // Otherwise it searches for a collector of traces.
    env: { ...process.env, OTEL_TRACES_EXPORTER: "none" },
  });
  closeSync(output);
  const forget = onExit(() => child.kill("SIGKILL"));
  return {
    port: await listening(child, logFile),
    end: async (signal) => {
      forget();
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill(signal);
      await ended;
    },
  };
}

async function listening(child: ChildProcess, logFile: string): Promise<number> {
  let failure: string | undefined;
  child.on("error", (error) => (failure = error.message));
  child.on("exit", (code, signal) => (failure ??= `ended with ${code ?? signal ?? "?"}`));
  for (;;) {
    const ended = failure;
    const log = readFileSync(logFile, "utf8");
    const port = /listening on 127\.0\.0\.1:(\d+)/.exec(log)?.[1];
    if (port !== undefined) return Number(port);
    if (ended !== undefined) throw new Error(`registry: ${ended}\n${log}`);
    await setTimeout(pollMs);
  }
}

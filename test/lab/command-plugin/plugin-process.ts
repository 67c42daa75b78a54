/** Starts a command plugin as the Pulumi CLI does: runs the binary and reads its port from the first line. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { onExit } from "../../support/process/on-exit.ts";
import { PluginClient } from "./plugin-client.ts";

/**
 * Starts a plugin and opens a channel to it.
 * @param command the executable and its arguments; the engine's address follows, as the CLI has it
 * @param engineAddress `host:port` of the engine's log service
 * @param environment on top of this process's own
 */
export async function startPlugin(
  command: readonly string[],
  engineAddress: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<PluginClient> {
  const [file = "", ...leading] = command;
  const child = spawn(file, [...leading, engineAddress], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...environment },
  });
  const forget = onExit(() => child.kill("SIGKILL"));
  const stdout: string[] = [];
  createInterface(child.stdout).on("line", (line) => stdout.push(line));
  while (stdout.length === 0) {
    if (child.exitCode !== null)
      throw new Error(`${file} ended with ${child.exitCode} before it named its port`);
    await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
  }
  return new PluginClient(child, stdout, engineAddress, forget);
}

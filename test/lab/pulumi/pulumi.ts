/** Pulumi as a person uses it: the CLI in the checkout, its output on the screen or kept for a test. */
import { spawn } from "node:child_process";
import { onExit } from "../../support/process/on-exit.ts";
import { checkout } from "../cache.ts";
import { mustBeUnset } from "./pulumi-env.ts";

export interface PulumiRun {
  readonly exitCode: number;
  /** Both streams, as they came. */
  readonly output: string;
}

export interface PulumiOptions {
  readonly env: Readonly<Record<string, string>>;
  /** Where the project lies. Default the checkout. */
  readonly folder?: string;
  /** Shows the output while it comes, with Pulumi's colours where the terminal has them. */
  readonly show?: boolean;
  /** Hears the CLI's process id. */
  readonly started?: (pid: number) => void;
}

/** Runs the CLI and waits for its end; a failure is a value. */
export function pulumi(
  args: readonly string[],
  { env, folder = checkout, show = false, started }: PulumiOptions,
): Promise<PulumiRun> {
  const color = show && process.stdout.isTTY && !process.env["NO_COLOR"] ? "always" : "never";
  const child = spawn("pulumi", [...args, "--non-interactive", "--color", color], {
    cwd: folder,
    env: { ...inherited(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (child.pid !== undefined) started?.(child.pid);
  const forget = onExit(() => child.kill("SIGINT"));
  let output = "";
  for (const [stream, screen] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      if (show) screen.write(text);
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      forget();
      resolve({ exitCode: code ?? 1, output });
    });
  });
}

/** A passphrase of the person's own would win over the lab's file. */
function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !mustBeUnset.some((one) => one === name)),
  );
}

/**
 * An empty stack of this name: what an earlier run knew is forgotten, because its guest is gone.
 * @param folder where the project lies. Default the checkout.
 */
export async function freshStack(
  stack: string,
  env: Readonly<Record<string, string>>,
  folder = checkout,
): Promise<void> {
  // A run that was killed has left its lock.
  await pulumi(["cancel", "--yes", "--stack", stack], { env, folder });
  await pulumi(["stack", "rm", "--yes", "--force", "--preserve-config", stack], { env, folder });
  const { exitCode, output } = await pulumi(["stack", "init", stack], { env, folder });
  if (exitCode !== 0) throw new Error(`pulumi stack init ${stack}: ${output}`);
}

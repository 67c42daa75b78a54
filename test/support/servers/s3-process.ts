/** A small S3 server on loopback with one bucket in memory: test equipment, built from its Go module at its first use. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { builtProgram } from "../../lab/tools/built-program.ts";
import { onExit } from "../process/on-exit.ts";
import { waitForLine } from "../process/wait-for-line.ts";

export interface S3Process {
  readonly port: number;
  readonly bucket: string;
  readonly stop: () => Promise<void>;
}

const module = {
  folder: "gofakes3",
  package: "github.com/johannesboyne/gofakes3/cmd/gofakes3",
  flags: ["-ldflags", "-s -w"],
  program: "gofakes3",
};

/** @throws {SealiftError} E_TOOL where there is no Go. */
export async function startS3(): Promise<S3Process> {
  const program = await builtProgram(module);
  const bucket = "pulumi-state";
  const args = ["-backend", "memory", "-host", "127.0.0.1:0", "-initialbucket", bucket];
  const child = spawn("setpriv", ["--pdeathsig", "TERM", program, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const forget = onExit(() => child.kill());
  const [, port] = await waitForLine(child, child.stderr, /using port: (\d+)/);
  return {
    port: Number(port),
    bucket,
    stop: async () => {
      const ended = child.exitCode === null ? once(child, "exit") : undefined;
      child.kill();
      await ended;
      forget();
    },
  };
}

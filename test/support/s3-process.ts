/** A small S3 server on loopback with one bucket in memory: test equipment, built from its Go module at its first use. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { cachePath, checkout } from "../lab/cache.ts";
import { freePort } from "../lab/free-port.ts";
import { withLock } from "../lab/lock.ts";
import { goBuild } from "../lab/tools/go-build.ts";
import { onExit } from "./on-exit.ts";
import { listens } from "./listens.ts";

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
  const program = await haveProgram();
  const port = await freePort();
  const bucket = "pulumi-state";
  const args = ["-backend", "memory", "-host", `127.0.0.1:${port}`, "-initialbucket", bucket];
  const child = spawn("setpriv", ["--pdeathsig", "TERM", program, ...args], { stdio: "ignore" });
  const forget = onExit(() => child.kill());
  while (child.exitCode === null && !(await listens(port))) await pause(50);
  return {
    port,
    bucket,
    stop: async () => {
      const ended = child.exitCode === null ? once(child, "exit") : undefined;
      child.kill();
      await ended;
      forget();
    },
  };
}

/** One folder per go.sum: another pin is another folder. */
async function haveProgram(): Promise<string> {
  const sum = readFileSync(join(checkout, "test", "lab", "tools", module.folder, "go.sum"));
  const id = createHash("sha256").update(sum).digest("hex").slice(0, 8);
  const folder = cachePath("tools", `${module.program}-${id}`);
  await withLock(
    "s3",
    () => undefined,
    async () => {
      if (existsSync(folder)) return;
      rmSync(`${folder}.part`, { recursive: true, force: true });
      await goBuild(module, `${folder}.part`, () => undefined);
      renameSync(`${folder}.part`, folder);
    },
  );
  return join(folder, module.program);
}

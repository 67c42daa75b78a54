/** Runs `ssh-keygen -Y …` (ssh-keygen(1), OpenSSH 8.2 or newer): signatures that any Ubuntu host can check. */
import { spawn } from "node:child_process";
import { SealiftError } from "../modules/core/errors.ts";

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Keeps a signature made for a bundle from being taken for one made for anything else, and the other way round. */
export const namespace = "sealift-bundle";

/** Gives `input` to ssh-keygen. @throws {SealiftError} E_TOOL when there is no ssh-keygen. */
export function sshKeygen(args: readonly string[], input: Uint8Array): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn("ssh-keygen", args, { stdio: ["pipe", "pipe", "pipe"] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (data: Buffer) => stdout.push(data));
    child.stderr.on("data", (data: Buffer) => stderr.push(data));
    // It may refuse before it has read all; its exit code tells.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    child.on("error", (error) => {
      reject(missing(error.message));
    });
    child.on("close", (code) => {
      const text = (parts: Buffer[]): string => Buffer.concat(parts).toString();
      resolve({ exitCode: code ?? 1, stdout: text(stdout), stderr: text(stderr).trim() });
    });
  });
}

function missing(got: string): SealiftError {
  return new SealiftError([
    {
      where: "this machine",
      code: "E_TOOL",
      subject: "ssh-keygen",
      got,
      expected: "ssh-keygen 8.2 or newer on the PATH",
      todo: "install the package openssh-client",
    },
  ]);
}

/** Runs `ssh-keygen -Y …` (ssh-keygen(1), OpenSSH 8.2 or newer): signatures that any Ubuntu host can check. */
import { SealiftError } from "../modules/core/errors.ts";
import { runProgram } from "./program.ts";

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Keeps a signature made for a bundle from being taken for one made for anything else, and the other way round. */
export const namespace = "sealift-bundle";

/**
 * Gives `input` to ssh-keygen. Each value of `args` stands behind its own option, where getopt(3) takes it as it is, whatever it
 * begins with.
 *
 * @throws {SealiftError} E_TOOL when there is no ssh-keygen.
 */
export async function sshKeygen(args: readonly string[], input: Uint8Array): Promise<Outcome> {
  try {
    const { exitCode, stdout, stderr } = await runProgram("ssh-keygen", args, { input });
    return { exitCode, stdout: stdout.toString(), stderr };
  } catch (error) {
    throw missing(error instanceof Error ? error.message : String(error));
  }
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

/** Runs `ssh-keygen -Y …` (ssh-keygen(1), OpenSSH 8.2 or newer): any Ubuntu host can check these signatures. */
import { SealiftError } from "../../modules/core/errors.ts";
import { runProgram } from "../../modules/core/process.ts";

export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Prevents a signature made for a bundle from being used for anything else, and the reverse. */
export const bundleNamespace = "sealift-bundle";

/**
 * Gives `input` to ssh-keygen. Each value of `args` follows its own option, where getopt(3) takes it literally, even if it begins
 * with a dash.
 *
 * @throws {SealiftError} E_TOOL without ssh-keygen.
 */
export async function sshKeygen(args: readonly string[], input: Uint8Array): Promise<Outcome> {
  try {
    const { exitCode, stdout, stderr } = await runProgram("ssh-keygen", args, { input });
    return { exitCode, stdout: stdout.toString(), stderr };
  } catch (error) {
    throw missing(error instanceof Error ? error.message : String(error));
  }
}

function missing(found: string): SealiftError {
  return new SealiftError([
    {
      where: "this machine",
      code: "E_TOOL",
      subject: "ssh-keygen",
      found,
      expected: "ssh-keygen 8.2 or newer on the PATH",
      fix: "install the package openssh-client",
    },
  ]);
}

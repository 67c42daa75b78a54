import { spawn } from "node:child_process";
import { findGuest } from "./guest.ts";
import { bootLab, labGuest } from "./lab-guest.ts";
import { sshArguments } from "./ssh.ts";

/**
 * Logs in to the lab's guest on this terminal, or runs one command line on it. A guest that was not running is started for
 * it and stopped afterwards.
 *
 * @returns the exit code of the far side; 255 when ssh itself failed.
 */
export async function loginToLab(login: string, command: readonly string[]): Promise<number> {
  const running = await findGuest(labGuest);
  const guest = running ?? (await bootLab(false));
  try {
    const args = sshArguments({ ...guest.ssh, login });
    const far = command.length === 0 ? [] : ["--", command.join(" ")];
    const child = spawn("ssh", [...args, ...far], { stdio: "inherit" });
    return await new Promise<number>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => {
        resolve(code ?? 255);
      });
    });
  } finally {
    if (running === undefined) await guest.stop();
  }
}

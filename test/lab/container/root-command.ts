/** Command lines that need root, with the programs of sbin. */
import { runProcess } from "../../support/process/run-process.ts";
import { asRoot } from "../as-root.ts";

/** @throws {Error} when it fails, in its words. */
export async function root(...line: [string, ...string[]]): Promise<void> {
  const { exitCode, stderr } = await runProcess(...command(...line));
  if (exitCode !== 0) throw new Error(`${line.join(" ")}: ${stderr}`);
}

export function command(...line: [string, ...string[]]): [string, readonly string[]] {
  const [file, ...args] = asRoot(line);
  // mkfs.xfs lies in sbin, which a user's PATH leaves out.
  return ["env", [`PATH=${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`, file, ...args]];
}

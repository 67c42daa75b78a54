/** Who runs what, as this machine reports it, for the receipt. */
import { hostname, userInfo } from "node:os";
import { runProgram } from "../core/process.ts";
import manifest from "../../package.json" with { type: "json" };
import type { RunReceipt } from "./receipt.ts";

/** @param folder of the site's files. Default: the working directory. */
export async function runReceipt(folder = process.cwd()): Promise<RunReceipt> {
  return {
    user: userName(),
    machine: hostname().slice(0, longest),
    sealift: manifest.version,
    checkout: await checkoutIn(folder),
  };
}

const longest = 255;

/** An account may have only a uid and no name (os.userInfo). */
function userName(): string {
  try {
    return userInfo().username.slice(0, longest);
  } catch {
    return String(process.getuid?.() ?? "unknown");
  }
}

/** The commit, and whether tracked or untracked files differ from it (git-status(1), --porcelain). */
async function checkoutIn(folder: string): Promise<RunReceipt["checkout"]> {
  const commit = await git(folder, "rev-parse", "--verify", "HEAD");
  const changes = await git(folder, "status", "--porcelain");
  if (commit === undefined || changes === undefined || !/^[0-9a-f]{40,64}$/.test(commit)) return null;
  return { commit, changed: changes !== "" };
}

async function git(folder: string, ...args: readonly string[]): Promise<string | undefined> {
  try {
    const { exitCode, stdout } = await runProgram("git", args, { directory: folder, timeoutMs: 60_000 });
    return exitCode === 0 ? stdout.toString().trim() : undefined;
  } catch {
    return undefined;
  }
}

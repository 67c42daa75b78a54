/** A text in the person's editor, in a file that is only in memory and that only this user can read. */
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Problem, SealiftError } from "../core/errors.ts";
import { runOnTerminal } from "../core/process.ts";

/**
 * @returns the text as the person left it. The line end of a single line is not part of it: editors add one, and a password has none.
 * @throws {SealiftError} E_TOOL without an editor, without a folder in memory, or when the editor fails.
 */
export async function editText(text: Uint8Array, env: NodeJS.ProcessEnv = process.env): Promise<Buffer> {
  const written = [env["VISUAL"], env["EDITOR"]].find((words = "") => words.trim() !== "") ?? "";
  const [editor = "", ...args] = written.split(" ").filter((word) => word !== "");
  if (editor === "")
    throw problem("no editor", "an editor in VISUAL or EDITOR", "set EDITOR, for example to vi");
  const memory = memoryFolder(env);
  let folder: string | undefined;
  const remove = (): void => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  };
  let editing = false;
  // While the editor runs, it is the one that is interrupted.
  const interrupted = (signal: NodeJS.Signals): void => {
    if (editing) return;
    remove();
    for (const one of signals) process.off(one, interrupted);
    process.kill(process.pid, signal);
  };
  process.on("exit", remove);
  for (const signal of signals) process.on(signal, interrupted);
  try {
    folder = mkdtempSync(join(memory, "sealift-"));
    const file = join(folder, "secret");
    await writeFile(file, text, { mode: 0o600, flag: "wx" });
    editing = true;
    const { exitCode, signal } = await runOnTerminal(editor, [...args, file]);
    editing = false;
    if (signal !== null || exitCode !== 0) {
      const found = `${editor} ended with ${signal ?? exitCode}`;
      throw problem(found, "an editor that ends with 0", "run the command again; nothing was changed");
    }
    return withoutLineEnd(await readFile(file));
  } finally {
    remove();
    process.off("exit", remove);
    for (const signal of signals) process.off(signal, interrupted);
  }
}

const signals = ["SIGHUP", "SIGINT", "SIGTERM"] as const;

function withoutLineEnd(text: Buffer): Buffer {
  const end = text.indexOf("\n");
  return end >= 0 && end === text.length - 1 ? text.subarray(0, end) : text;
}

/** /dev/shm and XDG_RUNTIME_DIR are in memory on every system with systemd (file-hierarchy(7)). */
function memoryFolder(env: NodeJS.ProcessEnv): string {
  const found = [env["XDG_RUNTIME_DIR"], "/dev/shm"].find(
    (folder) => folder !== undefined && writable(folder),
  );
  if (found !== undefined) return found;
  const expected = "a folder in memory that this user can write to: XDG_RUNTIME_DIR or /dev/shm";
  throw problem("none", expected, "set XDG_RUNTIME_DIR, or pass the value with --stdin");
}

function writable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function problem(found: string, expected: string, fix: string): SealiftError {
  const one: Problem = { where: "this machine", code: "E_TOOL", subject: "editor", found, expected, fix };
  return new SealiftError([one]);
}

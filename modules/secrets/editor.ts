/** A text in the person's editor, in a file that is only in memory and that only this user can read. */
import { accessSync, constants, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Problem, SealiftError } from "../core/errors.ts";
import { runOnTerminal } from "../core/process.ts";

/** What statfs(2) says of tmpfs and ramfs. */
const memoryTypes: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

/**
 * @param typeOf the type of the file system that a folder is on.
 * @returns the text as the person left it. The line end of a single line is not part of it: editors add one, and a password has none.
 * @throws {SealiftError} E_TOOL without an editor, without a folder in memory, or when the editor fails.
 */
export async function editText(
  text: Uint8Array,
  env: NodeJS.ProcessEnv = process.env,
  typeOf: (folder: string) => number = (folder) => statfsSync(folder).type,
): Promise<Buffer> {
  const written = [env["VISUAL"], env["EDITOR"]].find((words = "") => words.trim() !== "") ?? "";
  const [editor = "", ...args] = written.split(" ").filter((word) => word !== "");
  if (editor === "")
    throw problem("no editor", "an editor in VISUAL or EDITOR", "set EDITOR, for example to vi");
  const memory = memoryFolder(env, typeOf);
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

/**
 * Both are in memory on every system with systemd (file-hierarchy(7)); but XDG_RUNTIME_DIR is whatever somebody has set, and /dev/shm is on a
 * disk in some containers. What is written to a disk stays there after its file is removed.
 */
function memoryFolder(env: NodeJS.ProcessEnv, typeOf: (folder: string) => number): string {
  const folders = [env["XDG_RUNTIME_DIR"] ?? "", "/dev/shm"].filter((folder) => folder !== "");
  const unusable: string[] = [];
  for (const folder of folders) {
    const reason = unusableBecause(folder, typeOf);
    if (reason === undefined) return folder;
    unusable.push(`${folder} ${reason}`);
  }
  const expected =
    "a folder in memory (tmpfs or ramfs) that this user can write to: XDG_RUNTIME_DIR or /dev/shm";
  const fix = "set XDG_RUNTIME_DIR to such a folder, or pass the value with --stdin";
  throw problem(unusable.join(", "), expected, fix);
}

/** @returns undefined when a secret may be there. */
function unusableBecause(folder: string, typeOf: (folder: string) => number): string | undefined {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return memoryTypes.has(typeOf(folder)) ? undefined : "is not in memory";
  } catch {
    return "cannot be written to";
  }
}

function problem(found: string, expected: string, fix: string): SealiftError {
  const one: Problem = { where: "this machine", code: "E_TOOL", subject: "editor", found, expected, fix };
  return new SealiftError([one]);
}

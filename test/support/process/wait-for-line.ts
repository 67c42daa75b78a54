/** Programs that say when they are ready, and where. */
import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/**
 * Waits for a line of a program; goes on reading what it says, so that it never waits for a reader.
 *
 * @param from its standard output or error, which has to be a pipe.
 * @throws {Error} with its words when it ends before.
 */
export function waitForLine(child: ChildProcess, from: Readable, line: RegExp): Promise<RegExpExecArray> {
  const words: string[] = [];
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: from });
    lines.on("line", (text) => {
      words.push(text);
      const found = line.exec(text);
      if (found !== null) resolve(found);
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      reject(
        new Error(`${child.spawnfile} ended with ${code ?? signal ?? "?"}: ${words.slice(-10).join("\n")}`),
      );
    });
  });
}

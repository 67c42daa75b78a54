/** The sudden end of a program and of all that it has started, as when an operator's machine loses power. */
import { readdirSync, readFileSync } from "node:fs";

/** SIGKILL to a process and its descendants, whatever process group they are in (Linux: proc(5)). */
export function killTree(pid: number): void {
  const parents = new Map(readdirSync("/proc").flatMap(parentOf));
  const doomed = [pid];
  for (const one of doomed)
    doomed.push(...[...parents].flatMap(([child, parent]) => (parent === one ? [child] : [])));
  for (const one of doomed) {
    try {
      process.kill(one, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}

function parentOf(name: string): [number, number][] {
  if (!/^\d+$/.test(name)) return [];
  try {
    const parent = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${name}/status`, "utf8"))?.[1];
    return [[Number(name), Number(parent)]];
  } catch {
    return [];
  }
}

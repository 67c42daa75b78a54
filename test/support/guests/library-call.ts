/** Lines of shell with the library, on this machine and without a host: for functions that change nothing, or only what they are given. */
import { spawnSync } from "node:child_process";
import { library } from "../fixtures/example-host.ts";

/**
 * @param programs folder whose programs stand before the machine's own: what a machine has recorded.
 * @param lines they run as run.sh runs a check.
 * @returns exit code, a blank, and the output.
 */
export function libraryCall(programs: string, lines: string): string {
  const text = library.text.replace("PATH=/usr/local/sbin:", `PATH=${programs}:/usr/local/sbin:`);
  const input = `${text}\nset -u\ntried() {\n${lines}\n}\nattempt tried\nprintf '%s %s' "$attempt_status" "$attempt_output"\n`;
  const { stdout, stderr } = spawnSync("sh", ["-s"], { input, encoding: "utf8" });
  return stdout + stderr;
}

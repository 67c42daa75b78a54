/** A host that is not there: files as they were recorded, in a folder, and the library's checks that read them. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { quote } from "../../modules/core/quote.ts";
import { library } from "./example-host.ts";
import type { Called } from "./shell-functions.ts";

/**
 * Calls one check as run.sh does, with these files in place of the machine's own.
 * @param files text by absolute path; `-> target` makes a link, a path that ends in `/` a folder.
 */
export function onRecorded(
  files: Readonly<Record<string, string>>,
  name: string,
  ...args: readonly string[]
): Called {
  const root = mkdtempSync(join(tmpdir(), "sealift-recorded-"));
  try {
    for (const [path, text] of Object.entries(files)) lay(join(root, path), text);
    const call = [name, ...args].map(quote).join(" ");
    const input = `${library.text}\nSEALIFT_ROOT=${root}\nset -u\nattempt ${call}\nprintf '%s' "$attempt_output"\nexit "$attempt_status"\n`;
    const { stdout, stderr, status } = spawnSync("sh", ["-s"], { input, encoding: "utf8" });
    return { exitCode: status ?? -1, output: (stdout + stderr).replaceAll(root, "") };
  } finally {
    rmSync(root, { recursive: true });
  }
}

function lay(path: string, text: string): void {
  mkdirSync(path.endsWith("/") ? path : dirname(path), { recursive: true });
  if (path.endsWith("/")) return;
  const target = /^-> (.*)$/.exec(text)?.[1];
  if (target === undefined) writeFileSync(path, text);
  else symlinkSync(target, path);
}

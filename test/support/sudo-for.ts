/** A login of a test's sshd that may become root: root itself, or a person whose `sudo` only runs what it is given. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cachePath } from "../lab/cache.ts";

/** What goes before PATH. What a look does as nobody in particular is enough for a test of the way to the host. */
export function sudoFor(): { readonly path?: string } {
  if (process.getuid?.() === 0) return {};
  const folder = cachePath("tmp", "sudo");
  mkdirSync(folder, { recursive: true });
  const program = join(folder, "sudo");
  writeFileSync(program, '#!/bin/sh\n[ "$1" = -n ] && shift\nexec "$@"\n');
  chmodSync(program, 0o755);
  return { path: folder };
}

/** A login of a test's sshd that may become root: root itself, or a person whose `sudo` only runs what it is given. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cachePath } from "../../lab/cache.ts";

/** What goes before PATH. What a look does as nobody in particular is enough for a test of the way to the host. */
export function sudoFor(): { readonly path?: string } {
  if (process.getuid?.() === 0) return {};
  const folder = cachePath("tmp", "sudo");
  mkdirSync(folder, { recursive: true });
  program(join(folder, "sudo"), '[ "$1" = -n ] && shift\nSEALIFT_TEST_ROOT=1 exec "$@"');
  // A probe checks whether it is root.
  program(
    join(folder, "id"),
    '[ "$1${SEALIFT_TEST_ROOT-}" = -u1 ] && { echo 0; exit; }\nexec /usr/bin/id "$@"',
  );
  return { path: folder };
}

function program(path: string, text: string): void {
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
}

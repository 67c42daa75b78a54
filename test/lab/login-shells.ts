/** Shells that people have on their hosts and that no image of the lab holds. */
import { readFile } from "node:fs/promises";
import { cachePath } from "./cache.ts";
import type { Guest } from "./guest-handle.ts";
import { downloadDebs } from "./packages.ts";

/** Path on the guest by the shell's name. */
export const loginShells = { zsh: "/usr/bin/zsh", fish: "/usr/bin/fish", tcsh: "/usr/bin/tcsh" } as const;

/** Unpacks them on a guest of Debian trixie. @throws {E_PACKAGES} @throws {E_DEBIAN_SOURCES} */
export async function putLoginShells(guest: Guest): Promise<void> {
  const debs = await downloadDebs(
    ["zsh", "tcsh", "fish", "fish-common", "libpcre2-32-0"],
    "trixie",
    cachePath("debs", "shells"),
  );
  for (const { name, path } of debs) {
    const input = await readFile(path);
    const { exitCode, stderr } = await guest.exec(
      "cat >/tmp/shell.deb && sudo -n dpkg-deb -x /tmp/shell.deb / && rm /tmp/shell.deb",
      { input },
    );
    if (exitCode !== 0) throw new Error(`${name}: ${stderr}`);
  }
}

/** Packages of Debian that a host in the field has and no image of the lab. */
import { readFile } from "node:fs/promises";
import { cachePath } from "./cache.ts";
import type { Guest } from "./guest-handle.ts";
import { downloadDebs } from "./packages/packages.ts";

/** Three shells that read a command line each in its own way, and accounts of a directory (LDAP) without its server. */
const fieldPackages = ["zsh", "tcsh", "fish", "fish-common", "libpcre2-32-0", "libnss-extrausers"] as const;

/** Path on the guest by the shell's name. */
export const loginShells = { zsh: "/usr/bin/zsh", fish: "/usr/bin/fish", tcsh: "/usr/bin/tcsh" } as const;

/** Unpacks them on a guest of Debian trixie; fix: nothing of them is configured. @throws {E_PACKAGES} @throws {E_DEBIAN_SOURCES} */
export async function putFieldPackages(guest: Guest): Promise<void> {
  const debs = await downloadDebs(fieldPackages, "trixie", cachePath("debs", "field"));
  for (const { name, path } of debs) {
    const input = await readFile(path);
    const { exitCode, stderr } = await guest.exec(
      "cat >/tmp/field.deb && sudo -n dpkg-deb -x /tmp/field.deb / && rm /tmp/field.deb",
      { input },
    );
    if (exitCode !== 0) throw new Error(`${name}: ${stderr}`);
  }
}

/** Ansible with its collections, from Debian's packages and without installing them: community.docker of Debian 12 has no docker_compose_v2. */
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { $ } from "zx/core";
import { cachePath } from "../lab/cache.ts";
import { withLock } from "../lab/lock.ts";
import { downloadDebs } from "../lab/packages/packages.ts";
import { existsSync } from "node:fs";

export interface AnsibleWithCollections {
  /** The command, without its arguments. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Of the packages, in words. */
  readonly version: string;
}

/** Its Python modules (jinja2, yaml, cryptography) are those of the machine's own package `ansible-core`. */
export async function ansibleWithCollections(): Promise<AnsibleWithCollections> {
  const debs = await downloadDebs(["ansible", "ansible-core"], "trixie", cachePath("debs", "ansible"));
  const folder = cachePath("bench", `ansible-${debs.map(({ sha256 }) => sha256.slice(0, 8)).join("-")}`);
  await withLock(
    "ansible",
    () => undefined,
    async () => {
      if (existsSync(folder)) return;
      await rm(`${folder}.new`, { recursive: true, force: true });
      await mkdir(`${folder}.new`, { recursive: true });
      for (const { path } of debs) await $({ quiet: true })`dpkg-deb --extract ${path} ${folder}.new`;
      await rename(`${folder}.new`, folder);
    },
  );
  const modules = join(folder, "usr", "lib", "python3", "dist-packages");
  return {
    command: ["python3", join(folder, "usr", "bin", "ansible-playbook")],
    env: { PYTHONPATH: modules },
    version: debs.map(({ name, version }) => `${name} ${version}`).join(", "),
  };
}

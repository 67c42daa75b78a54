/** Debian's own Docker on a guest, as its administrator had it before Sealift: the packages that the lab's engine is repacked from. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { engineDebs } from "../../lab/bundle/debian-engine.ts";
import type { Guest } from "../../lab/guest.ts";
import { imageArchive } from "../../lab/bundle/image-archive.ts";
import type { LabBundle } from "../../lab/bundle/bundle.ts";

/** Packages that are left out: the scratch image's shell is no part of an engine. */
const others: readonly string[] = ["busybox-static"];

/** Installs it, starts it and loads the lab's image into it. @returns its version, as its package has it: `26.1.5`. */
export async function installDebianDocker(guest: Guest, bundle: LabBundle): Promise<string> {
  const root = async (command: string, input: string | Buffer = ""): Promise<string> => {
    const { stdout, stderr, exitCode } = await guest.exec(`sudo sh -c '${command}'`, { input });
    assert.equal(exitCode, 0, `${command}: ${stderr}`);
    return stdout;
  };
  const debs = (await engineDebs("trixie", () => undefined)).filter(({ name }) => !others.includes(name));
  for (const { name, path } of debs) await root(`cat >/var/tmp/${name}.deb`, await readFile(path));
  await root(`dpkg -i ${debs.map(({ name }) => `/var/tmp/${name}.deb`).join(" ")} && rm /var/tmp/*.deb`);
  await root("systemctl start docker");
  await root("docker load", await imageArchive(bundle));
  return (await root("docker version --format {{.Server.Version}}")).trim().replace(/[^0-9.].*/, "");
}

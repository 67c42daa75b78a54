/** The facts that restic or its server is on a host. Pure. */
import { blobStep, type Channel } from "../core/host/blob-step.ts";
import type { Archive } from "../core/host/blob.ts";
import type { Step } from "../core/host/step.ts";

/**
 * @param code the two codes begin with it: `store.server-` gives `store.server-archive` and `store.server-program`.
 * @param name of the program, of its file in the bundle, and of its folder on the host.
 */
export function programSteps(
  code: string,
  name: "restic" | "rest-server",
  archive: Archive,
  channel: Channel | undefined,
): readonly Step[] {
  const { version, sha256, members } = archive;
  const program = members.find(({ path }) => path === name || path.endsWith(`/${name}`));
  return [
    blobStep(`${code}archive`, `the archive of ${name} ${version}`, name, archive, channel),
    {
      code: `${code}program`,
      fact: `${name} ${version} is installed, byte for byte as pinned in the lock`,
      effect: "none",
      call: ["backup_program", name, version, sha256, program?.path ?? name, program?.sha256 ?? ""],
    },
  ];
}

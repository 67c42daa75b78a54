/** The engine from static binaries, as facts. */
import { basename } from "node:path";
import type { Archive } from "../core/blob.ts";
import type { Step } from "../core/step.ts";

/** Where versions lie side by side. */
export const engineRoot = "/opt/docker";

/**
 * @param archive the engine as the bundle's lock pins it.
 * @param dataRoot daemon.json's data-root; containerd's root goes below it, and both wait for its mount.
 */
export function engineSteps(archive: Archive, dataRoot: string): readonly Step[] {
  const { version, sha256, bytes, members } = archive;
  return [
    {
      code: "engine.archive",
      fact: `the archive of engine ${version} is on the host (sha256 ${sha256.slice(0, 12)})`,
      effect: "none",
      call: ["engine_archive", sha256, String(bytes)],
    },
    {
      code: "engine.files",
      fact: `${engineRoot}/${version} holds the ${members.length} programs of the lock, byte for byte`,
      effect: "none",
      call: [
        "engine_files",
        version,
        sha256,
        ...members.map((member) => `${member.sha256}:${basename(member.path)}`),
      ],
    },
    {
      code: "engine.current",
      fact: `engine ${version} is the one that runs`,
      effect: "none",
      call: ["engine_current", version],
    },
    {
      code: "engine.commands",
      fact: "docker is on the PATH",
      effect: "none",
      call: ["engine_commands", "docker"],
    },
    {
      code: "engine.units",
      fact: `the units of containerd and docker wait for the mount of ${dataRoot}`,
      effect: "none",
      call: ["engine_units", dataRoot],
    },
    {
      code: "engine.containerd",
      fact: "containerd runs from the current version",
      effect: "restart",
      call: ["containerd"],
    },
  ];
}

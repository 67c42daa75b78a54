/** The engine from static binaries, as facts. */
import { basename } from "node:path";
import { blobStep, type Channel } from "../core/host/blob-step.ts";
import type { Binary, HostFiles } from "../core/host/blob.ts";
import type { ImageStore } from "../core/site/image-store.ts";
import type { AdoptSpec } from "../core/site/site-spec.ts";
import type { Step } from "../core/host/step.ts";

/** The folder that holds the installed versions side by side. */
const engineRoot = "/opt/docker";

export interface EngineSpec {
  readonly files: HostFiles;
  /** daemon.json's data-root. containerd's root is below it, and both units require its mount. */
  readonly dataRoot: string;
  readonly imageStore: ImageStore;
  /** Data of another Docker installation on this host to adopt; absent: none. */
  readonly adopt?: AdoptSpec;
  /** Names of the site's users. */
  readonly users: readonly string[];
  /** The registry that has the bundle; absent: blobs are sent over ssh. */
  readonly channel?: Channel;
}

export function engineSteps({
  files,
  dataRoot,
  imageStore,
  adopt,
  users,
  channel,
}: EngineSpec): readonly Step[] {
  const { archive, plugins } = files;
  const { version, sha256, members } = archive;
  return [
    ...(adopt === undefined
      ? []
      : [
          {
            code: "engine.adopted",
            fact: `the data of engine ${adopt.version} was adopted from ${adopt.from} into ${dataRoot}`,
            effect: "none",
            call: ["engine_adopted", adopt.from, adopt.version, dataRoot, imageStore, version],
          } as const,
        ]),
    {
      code: "engine.data-root",
      fact: `the engine keeps its data in ${dataRoot}`,
      effect: "none",
      call: ["engine_data_root", dataRoot],
    },
    {
      code: "engine.store",
      fact: `the engine keeps images in the ${imageStore} store`,
      effect: "none",
      call: ["engine_store", imageStore, dataRoot],
    },
    blobStep("engine.archive", `the archive of engine ${version}`, "docker", archive, channel),
    {
      code: "engine.files",
      fact: `${engineRoot}/${version} contains exactly the ${members.length} programs of the lock, unaltered`,
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
      fact: `engine ${version} is the current version`,
      effect: "containers-stop",
      call: ["engine_current", version, dataRoot],
    },
    {
      code: "engine.commands",
      fact: "docker is on the PATH",
      effect: "none",
      call: ["engine_commands", "docker"],
    },
    ...plugins.flatMap((plugin) => pluginSteps(plugin, channel)),
    {
      code: "engine.shadows",
      fact: "no other docker takes precedence for root and the users of the site",
      effect: "none",
      call: [
        "engine_shadows",
        ["docker", ...plugins.map(({ name }) => `docker-${name}`)].join(","),
        ...users,
      ],
    },
    {
      code: "engine.units",
      fact: `the systemd units of containerd and docker come only from this site and require the mount of ${dataRoot}`,
      effect: "none",
      call: ["engine_units", version, dataRoot],
    },
    {
      code: "engine.containerd",
      fact: "containerd runs from the current version as its unit defines, only it listens on its socket, and it listens on no network",
      effect: "restart",
      call: ["containerd"],
    },
  ];
}

function pluginSteps(plugin: Binary, channel: Channel | undefined): readonly Step[] {
  const { name, version, sha256 } = plugin;
  return [
    blobStep(`engine.${name}-file`, `docker-${name} ${version}`, name, plugin, channel),
    {
      code: `engine.${name}`,
      fact: `docker ${name} is version ${version}, byte for byte as pinned in the lock`,
      effect: "none",
      call: ["engine_plugin", name, version, sha256],
    },
  ];
}

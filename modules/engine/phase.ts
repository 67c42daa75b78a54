/** Docker and containerd from static binaries, as a phase. */
import type { HostFiles } from "../core/blob.ts";
import type { RegistrySpec } from "../core/registry.ts";
import type { HostSpec } from "../core/site-spec.ts";
import type { Phase } from "../core/step.ts";
import { engineSteps, type Channel } from "./steps.ts";

/** Pure: the phase of one host. */
export function enginePhase(
  { daemon, engine, imageStore, registry, users }: HostSpec,
  files: HostFiles,
): Phase {
  const channel = registry === undefined ? {} : { channel: channelOf(registry) };
  return {
    name: "engine",
    steps: engineSteps({
      files,
      dataRoot: daemon["data-root"],
      imageStore,
      ...(engine.adopt === undefined ? {} : { adopt: engine.adopt }),
      users: users.map(({ name }) => name),
      ...channel,
    }),
  };
}

function channelOf({ name, port, prefix, addresses, allowedHosts = [], trust }: RegistrySpec): Channel {
  const ownAuthority = trust.hosts.length > 0 || trust.file !== undefined;
  return { registry: `${name}:${port}`, prefix, addresses, allowedHosts, ownAuthority };
}

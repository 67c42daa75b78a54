/** Docker and containerd from static binaries, as a phase. */
import { endpoint } from "../core/endpoint.ts";
import type { HostFiles } from "../core/host/blob.ts";
import type { RegistrySpec } from "../core/site/registry.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import type { Phase } from "../core/host/step.ts";
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
  const ownCa = trust.hosts.length > 0 || trust.file !== undefined;
  return { registry: endpoint(name, port), prefix, addresses, allowedHosts, ownCa };
}

/** Docker and containerd from static binaries, as a phase. */
import { channelOf } from "../core/host/blob-step.ts";
import type { HostFiles } from "../core/host/blob.ts";
import type { HostSpec } from "../core/site/site-spec.ts";
import type { Phase } from "../core/host/step.ts";
import { engineSteps } from "./steps.ts";

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

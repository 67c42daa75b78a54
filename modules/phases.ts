/** The order of work on a host: one list, for the program and for every command that looks at hosts. */
import type { HostFiles } from "./core/blob.ts";
import { deliveryPhase } from "./core/delivery.ts";
import type { Library } from "./core/library.ts";
import type { HostSpec } from "./core/site.ts";
import type { Phase } from "./core/step.ts";
import { daemonPhase } from "./daemon/index.ts";
import { enginePhase } from "./engine/index.ts";
import { preflightPhase } from "./preflight/index.ts";
import { usersPhase } from "./users/index.ts";
import { volumesPhase } from "./volumes/index.ts";

/** In the order of work; preflight and delivery are only checked, before anything is changed. */
export type HostPhases = Readonly<
  Record<"preflight" | "delivery" | "volumes" | "users" | "engine" | "daemon", Phase>
>;

/**
 * Pure: everything that has to be true on one host.
 * @param clock the operator's clock, in seconds since 1970.
 */
export function phasesOf(host: HostSpec, files: HostFiles, library: Library, clock: number): HostPhases {
  return {
    preflight: preflightPhase(host, files.archive, clock),
    delivery: deliveryPhase(library, [files.archive, ...files.plugins]),
    volumes: volumesPhase(host),
    users: usersPhase(host),
    engine: enginePhase(host, files),
    daemon: daemonPhase(host),
  };
}

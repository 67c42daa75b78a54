/** The defaults of daemon.json: a profile is a set of defaults, and an explicit key overrides it. */
import { mapOver } from "./layers/daemon-over.ts";
import { isObject } from "./layers/values.ts";
import type { DaemonSpec } from "./site-spec.ts";

export type DaemonProfile = "baseline" | "cis";

/** The slice of all containers when a host has containerLimits. */
export const containersSlice = "docker.slice";

const baseline = {
  "log-driver": "local",
  "log-opts": { "max-size": "20m", "max-file": "5" },
  "log-level": "info",
  "live-restore": true,
  icc: false,
  init: true,
  "insecure-registries": [],
  // Since engine 29 containers would inherit a soft limit of 1024 (moby#51485), at which databases fail.
  "default-ulimits": { nofile: { Name: "nofile", Soft: 65_536, Hard: 1_048_576 } },
} as const;

/** CIS Docker Benchmark 1.6: settings that may break an image, and are therefore opt-in (2.14, 2.16, 5.14). */
const cis = {
  ...baseline,
  "no-new-privileges": true,
  "userland-proxy": false,
  ip: "127.0.0.1",
} as const;

/** The profiles; stacks/site.schema.json documents baseline's values as defaults, and a test keeps them in step. */
export const daemonProfiles: Readonly<Record<DaemonProfile, Readonly<Record<string, unknown>>>> = {
  baseline,
  cis,
};

/**
 * dockerd searches /usr/libexec/docker before its PATH, where another Docker may have left older versions of these programs (moby
 * daemon/config/config_linux.go, 29.7.2).
 */
export const writtenAlways: Readonly<Record<string, unknown>> = {
  "userland-proxy-path": "/opt/docker/current/bin/docker-proxy",
  "init-path": "/opt/docker/current/bin/docker-init",
};

/**
 * Merges explicit values over a profile, key by key, in maps as well; an empty map (`default-ulimits: {}`) stays empty. Options
 * of the local and json-file drivers do not apply to other drivers.
 */
export function withProfile(
  profile: DaemonProfile,
  written: Partial<DaemonSpec>,
): Readonly<Record<string, unknown>> {
  const { "log-opts": logOpts, ...others } = daemonProfiles[profile];
  const driver = written["log-driver"] ?? others["log-driver"];
  const keys: Readonly<Record<string, unknown>> =
    driver === "local" || driver === "json-file" ? { ...others, "log-opts": logOpts } : others;
  const known = Object.entries(written).flatMap(([key, value]): [string, unknown][] => {
    const under = keys[key];
    const both = isObject(value) && isObject(under) && Object.keys(value).length > 0;
    return both ? [[key, mapOver(under, value)]] : [];
  });
  return { ...keys, ...written, ...Object.fromEntries(known) };
}

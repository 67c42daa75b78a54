/** What daemon.json has when a person writes nothing: a profile is a choice, a key that is written counts before it. */
import type { DaemonSpec } from "./site-spec.ts";

export type DaemonProfile = "baseline" | "cis";

/** The slice that containers run below when a host has containerLimits. */
export const containersSlice = "docker.slice";

const baseline = {
  "log-driver": "local",
  "log-opts": { "max-size": "20m", "max-file": "5" },
  "log-level": "info",
  "live-restore": true,
  icc: false,
  init: true,
  "insecure-registries": [],
  // From engine 29 on containers would inherit a soft limit of 1024 (moby#51485), at which databases fail.
  "default-ulimits": { nofile: { Name: "nofile", Soft: 65_536, Hard: 1_048_576 } },
} as const;

/** CIS Docker Benchmark 1.6: what may break an image, and is therefore asked for by name (2.14, 2.16, 5.14). */
const cis = {
  ...baseline,
  "no-new-privileges": true,
  "userland-proxy": false,
  ip: "127.0.0.1",
} as const;

/** The profiles; stacks/site.schema.json documents baseline's values as defaults, and a test holds the two together. */
export const daemonProfiles: Readonly<Record<DaemonProfile, Readonly<Record<string, unknown>>>> = {
  baseline,
  cis,
};

/**
 * dockerd looks for these in /usr/libexec/docker before its PATH, where another Docker may have left older ones
 * (moby daemon/config/config_linux.go, 29.7.2).
 */
export const writtenAlways: Readonly<Record<string, unknown>> = {
  "userland-proxy-path": "/opt/docker/current/bin/docker-proxy",
  "init-path": "/opt/docker/current/bin/docker-init",
};

/** What a profile adds to what is written. Options of the local and json-file drivers are nothing to another one. */
export function profileKeys(
  profile: DaemonProfile,
  written: Partial<DaemonSpec>,
): Readonly<Record<string, unknown>> {
  const { "log-opts": logOpts, ...others } = daemonProfiles[profile];
  const driver = written["log-driver"] ?? others["log-driver"];
  return driver === "local" || driver === "json-file" ? { ...others, "log-opts": logOpts } : others;
}

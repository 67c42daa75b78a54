/**
 * What `docker info` must show when the daemon runs with a daemon.json: members of its JSON, as text that it must contain.
 * Source: system.Info of moby api/types/system, 26.1 to 29.7.2. Keys that it does not show are absent here.
 */
import type { DaemonSpec } from "../core/site/site-spec.ts";

type Member = (value: unknown, daemon: DaemonSpec) => readonly string[];

export function readBack(daemon: DaemonSpec): readonly string[] {
  return Object.keys(shownBy).flatMap((key) => {
    const value = daemon[key];
    return value === undefined ? [] : (shownBy[key]?.(value, daemon) ?? []);
  });
}

const plain =
  (name: string): Member =>
  (value) => [`"${name}":${JSON.stringify(value)}`];

/** Only the members of lists are compared: the daemon does not keep their order. */
const each =
  (text: (item: string) => string): Member =>
  (value) =>
    (value as readonly string[]).map(text);

const whenTrue =
  (text: string): Member =>
  (value) =>
    value === true ? [text] : [];

const shownBy: Readonly<Record<string, Member>> = {
  // With remapped users the engine works in a subfolder named after their ids (setupDaemonRoot, daemon/daemon_unix.go).
  "data-root": (value, daemon) => {
    const [reported = ""] = plain("DockerRootDir")(value, daemon);
    return [daemon["userns-remap"] === undefined ? reported : `${reported.slice(0, -1)}/`];
  },
  // docker info has one name for the classic store; the containerd store is recognized by its snapshotter.
  "storage-driver": plain("Driver"),
  features: (value) =>
    (value as Record<string, unknown>)["containerd-snapshotter"] === true
      ? ["io.containerd.snapshotter.v1"]
      : [],
  "log-driver": plain("LoggingDriver"),
  "live-restore": plain("LiveRestoreEnabled"),
  debug: plain("Debug"),
  labels: each((label) => JSON.stringify(label)),
  "registry-mirrors": each((mirror) => JSON.stringify(mirror.endsWith("/") ? mirror : `${mirror}/`)),
  "insecure-registries": each((registry) => JSON.stringify(registry)),
  "default-address-pools": (value) =>
    (value as readonly { base: string; size: number }[]).map(
      ({ base, size }) => `{"Base":${JSON.stringify(base)},"Size":${size}}`,
    ),
  "default-runtime": plain("DefaultRuntime"),
  runtimes: (value) => Object.keys(value as object).map((name) => `${JSON.stringify(name)}:{`),
  "exec-opts": (value) =>
    (value as readonly string[]).map(
      (option) => `"CgroupDriver":${JSON.stringify(option.split("=")[1] ?? "")}`,
    ),
  // The name of a security option is alone, or followed by its own options.
  "no-new-privileges": whenTrue('"name=no-new-privileges'),
  "userns-remap": () => ['"name=userns'],
  "selinux-enabled": whenTrue('"name=selinux'),
  "seccomp-profile": (value) => [`"name=seccomp,profile=${String(value)}"`],
  experimental: plain("ExperimentalBuild"),
};

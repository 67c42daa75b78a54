/** The tagged Go modules that an Engine 29 is built from, where Docker's own tarball cannot be had. */
import type { GoModule } from "./tools.ts";

/**
 * Two engines of one minor version, so that a patch upgrade can be tried. moby v2.0.0-beta.10 is the source of both; only
 * what they say of themselves differs.
 */
export const builtVersions = ["29.0.0", "29.0.1"] as const;
export type BuiltVersion = (typeof builtVersions)[number];

const moby = "github.com/moby/moby/v2";
const containerd = "github.com/containerd/containerd/v2";

/** Every program but docker, docker-init and runc, which Debian has. */
export const engineModules: readonly GoModule[] = [
  ...builtVersions.map((version) => ({
    folder: "dockerd",
    package: `${moby}/cmd/dockerd`,
    flags: [
      ...["-tags", "netgo,osusergo,static_build,exclude_graphdriver_btrfs"],
      ...["-ldflags", `-s -w -X ${moby}/dockerversion.Version=${version}`],
    ],
    program: `dockerd-${version}`,
  })),
  {
    folder: "dockerd",
    package: `${moby}/cmd/docker-proxy`,
    flags: ["-ldflags", "-s -w"],
    program: "docker-proxy",
  },
  ...["containerd", "containerd-shim-runc-v2", "ctr"].map((program) => ({
    folder: "containerd",
    package: `${containerd}/cmd/${program}`,
    flags: [
      ...["-tags", "netgo,osusergo,static_build,no_btrfs"],
      ...["-ldflags", `-s -w -X ${containerd}/version.Version=v2.2.0`],
    ],
    program,
  })),
];

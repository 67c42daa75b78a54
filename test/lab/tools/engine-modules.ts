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

/** One for all, so that a package which two programs share is compiled once. */
const tags = "netgo,osusergo,static_build,exclude_graphdriver_btrfs,no_btrfs";

/** Every program but docker, docker-init and runc, which Debian has. One go.mod: what they share is fetched once, too. */
export const engineModules: readonly GoModule[] = [
  ...builtVersions.map((version) =>
    built(`dockerd-${version}`, `${moby}/cmd/dockerd`, `${moby}/dockerversion.Version=${version}`),
  ),
  built("docker-proxy", `${moby}/cmd/docker-proxy`),
  ...["containerd", "containerd-shim-runc-v2", "ctr"].map((program) =>
    built(program, `${containerd}/cmd/${program}`, `${containerd}/version.Version=v2.2.3`),
  ),
];

function built(program: string, from: string, variable?: string): GoModule {
  const set = variable === undefined ? "" : ` -X ${variable}`;
  return {
    folder: "engine-29",
    package: from,
    flags: ["-tags", tags, "-ldflags", `-s -w${set}`],
    program,
  };
}

/** What a host inherits from its site: objects key by key (in `daemon` all the way), everything else whole. */
import { followsNames, imageStoreKeys, imageStoreOf } from "./image-store.ts";
import { containersSlice, profileKeys, writtenAlways, type DaemonProfile } from "./profiles.ts";
import { registryOf, type RegistryFile, type RegistrySpec } from "./registry.ts";
import { daemonOver } from "./layers/daemon-over.ts";
import type { RolloutSpec } from "./rollout.ts";
import { jumpOf, type JumpSpec } from "./jump.ts";
import type {
  ContainerLimitsSpec,
  DaemonSpec,
  DockerGroupSpec,
  GroupSpec,
  HostSpec,
  ReceiptSpec,
  Site,
  UserSpec,
  VolumesSpec,
} from "./site-spec.ts";

/** What the site says for all hosts, and a host for itself. */
export type Sections = {
  readonly groups?: readonly GroupSpec[];
  readonly dockerGroup?: Partial<DockerGroupSpec>;
  readonly users?: readonly UserSpec[];
  readonly volumes?: Partial<VolumesSpec>;
  readonly engine?: Partial<HostSpec["engine"]>;
  readonly daemon?: Partial<DaemonSpec>;
  readonly daemonProfile?: DaemonProfile;
  readonly containerLimits?: ContainerLimitsSpec;
  readonly images?: readonly string[];
  readonly jump?: Partial<JumpSpec>;
};
type HostFile = Pick<HostSpec, "name" | "address" | "login" | "hostKey"> &
  Partial<Pick<HostSpec, "formerName" | "port" | "architecture" | "rack" | "team">> &
  Sections;

/** The site as it is written. */
export interface SiteFile extends Sections {
  readonly bundle: Site["bundle"];
  /** Hashes of passwords by the name of the user; the users have them already. */
  readonly passwordHashes?: Readonly<Record<string, string>>;
  /** Networks, in CIDR form, that hosts and containers have to reach. */
  readonly networks?: readonly string[];
  readonly rollout?: RolloutSpec;
  readonly receipt?: ReceiptSpec;
  readonly registry?: RegistryFile;
  readonly hosts: readonly HostFile[];
}

/** A host after inheritance; required keys may still be missing until the rules have run. */
export type MergedHost = Omit<HostSpec, "volumes" | "engine" | "daemon"> & {
  readonly volumes: Partial<VolumesSpec> & Pick<VolumesSpec, "group">;
  readonly engine: Partial<HostSpec["engine"]>;
  readonly daemon: Partial<DaemonSpec>;
};

export function mergeHost(site: SiteFile, host: HostFile): MergedHost {
  const engine = { ...site.engine, ...host.engine };
  const limits = { ...site.containerLimits, ...host.containerLimits };
  const limited = Object.keys(limits).length > 0;
  const written: Partial<DaemonSpec> = {
    ...(limited ? { "cgroup-parent": containersSlice } : {}),
    ...daemonOver(site.daemon ?? {}, host.daemon ?? {}),
  };
  const profile = host.daemonProfile ?? site.daemonProfile ?? "baseline";
  const daemon: Partial<DaemonSpec> = { ...profileKeys(profile, written), ...written, ...writtenAlways };
  const imageStore = imageStoreOf(daemon, engine.version);
  const follows = followsNames(imageStore, engine.version) ? "names" : "mirror";
  const registry = registryOf(site.registry, site.hosts, host.name, follows);
  const { jump: ownJump, ...own } = host;
  const jump = jumpOf(site.jump, ownJump, host);
  return {
    ...own,
    port: host.port ?? 22,
    ...(jump === undefined ? {} : { jump: jump as JumpSpec }),
    architecture: host.architecture ?? "amd64",
    images: [...new Set([...(site.images ?? []), ...(host.images ?? [])])],
    groups: host.groups ?? site.groups ?? [],
    dockerGroup: { strangers: "report", ...site.dockerGroup, ...host.dockerGroup },
    users: host.users ?? site.users ?? [],
    volumes: volumesOf({ ...site.volumes, ...host.volumes }),
    engine,
    imageStore,
    daemon: {
      ...daemon,
      ...withFeatures(daemon, imageStoreKeys(imageStore)),
      ...(registry?.follows === "mirror" ? mirrorKeys(registry) : {}),
    },
    ...(registry === undefined ? {} : { registry }),
    ...(limited ? { containerLimits: limits } : {}),
  };
}

/** A host that names mounts of others, and neither a disk nor volumes, has no volumes. */
function volumesOf(volumes: Partial<VolumesSpec>): MergedHost["volumes"] {
  const { disk, logical, existing = [] } = volumes;
  const none = disk === undefined && logical === undefined && existing.length > 0;
  return { group: "vg0", ...(none ? { logical: [] } : {}), ...volumes };
}

/** The one way to the registry that such an engine knows; a mirror has to be a root, and is for Docker Hub only. */
function mirrorKeys({ name, port, prefix }: RegistrySpec): object {
  return prefix === "" ? { "registry-mirrors": [`https://${name}:${port}`] } : {};
}

/** Features beside the image store stay as they were written. */
function withFeatures(daemon: Partial<DaemonSpec>, keys: Readonly<Record<string, unknown>>): object {
  if (keys["features"] === undefined) return keys;
  return {
    ...keys,
    features: { ...(daemon["features"] as object | undefined), ...(keys["features"] as object) },
  };
}

/** What a host inherits from its site: objects key by key (in `daemon` at every level), everything else as a whole. */
import { endpoint } from "../endpoint.ts";
import { pullsByName, imageStoreKeys, imageStoreOf } from "./image-store.ts";
import { containersSlice, withProfile, writtenAlways, type DaemonProfile } from "./profiles.ts";
import { appsOf, stacksOf, type AppFile } from "./apps.ts";
import { backupsOf, type BackupsFile } from "./backups.ts";
import { backedHosts, rehearsalsOf } from "./rehearsals.ts";
import { registryOf, type RegistryFile, type RegistrySpec } from "./registry.ts";
import { daemonOver } from "./layers/daemon-over.ts";
import type { RolloutSpec } from "./rollout.ts";
import { jumpOf, type JumpSpec } from "./jump-host.ts";
import { swarmOf, type SwarmFile } from "./swarm.ts";
import type {
  ContainerLimitsSpec,
  DaemonSpec,
  DockerGroupSpec,
  GroupSpec,
  HostSpec,
  ReceiptSpec,
  SecretsSpec,
  Site,
  UserSpec,
  VolumesSpec,
} from "./site-spec.ts";

/** Values of the site for all hosts, and values of a host. */
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
  readonly jumpHost?: Partial<JumpSpec>;
};
type HostFile = Pick<HostSpec, "name" | "address" | "sshUser" | "hostKey"> &
  Partial<Pick<HostSpec, "formerName" | "port" | "architecture" | "rack" | "team">> &
  Sections;

/** The site as written. */
export interface SiteFile extends Sections {
  readonly bundle: Site["bundle"];
  /** Password hashes by the name of the user; the users already have them. */
  readonly passwordHashes?: Readonly<Record<string, string>>;
  /** Networks in CIDR notation that hosts and containers must be able to reach. */
  readonly networks?: readonly string[];
  readonly rollout?: RolloutSpec;
  readonly receipt?: ReceiptSpec;
  readonly registry?: RegistryFile;
  readonly apps?: readonly AppFile[];
  readonly secrets?: SecretsSpec;
  readonly backups?: BackupsFile;
  readonly swarm?: SwarmFile;
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
  const swarm = swarmOf(site.swarm, site.hosts, host.name);
  const written: Partial<DaemonSpec> = {
    // The engine refuses to be a member of a swarm with it (moby daemon/config, IsSwarmCompatible, 29.7.2).
    ...(swarm === undefined ? {} : { "live-restore": false }),
    ...(limited ? { "cgroup-parent": containersSlice } : {}),
    ...daemonOver(site.daemon ?? {}, host.daemon ?? {}),
  };
  const profile = host.daemonProfile ?? site.daemonProfile ?? "baseline";
  const daemon: Partial<DaemonSpec> = { ...withProfile(profile, written), ...writtenAlways };
  const imageStore = imageStoreOf(daemon, engine.version);
  const follows = pullsByName(imageStore, engine.version) ? "names" : "mirror";
  const registry = registryOf(site.registry, site.hosts, host.name, follows);
  const { jumpHost: ownJump, ...own } = host;
  const jump = jumpOf(site.jumpHost, ownJump, host);
  return {
    ...own,
    port: host.port ?? 22,
    ...(jump === undefined ? {} : { jumpHost: jump as JumpSpec }),
    architecture: host.architecture ?? "amd64",
    images: [...new Set([...(site.images ?? []), ...(host.images ?? [])])],
    apps: appsOf(site.apps ?? [], host),
    ...backupsOf(site.backups, backedHosts(site), host.name),
    ...rehearsalsOf(site, host.name),
    ...(site.secrets === undefined ? {} : { secrets: site.secrets }),
    groups: host.groups ?? site.groups ?? [],
    dockerGroup: { unmanagedMembers: "report", ...site.dockerGroup, ...host.dockerGroup },
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
    ...(swarm === undefined ? {} : { swarm, ...stacksOnMember(site) }),
    ...(limited ? { containerLimits: limits } : {}),
  };
}

/** The same for every member: each holds the images, and the managers do the rest. */
function stacksOnMember({ apps = [] }: SiteFile): Pick<HostSpec, "stacks"> {
  const stacks = stacksOf(apps);
  return stacks.length === 0 ? {} : { stacks };
}

/** A host with existing mounts, and neither a disk nor volumes, has no volumes. */
function volumesOf(volumes: Partial<VolumesSpec>): MergedHost["volumes"] {
  const { disks, logicalVolumes, existing = [] } = volumes;
  const none = disks === undefined && logicalVolumes === undefined && existing.length > 0;
  return { group: "vg0", ...(none ? { logicalVolumes: [] } : {}), ...volumes };
}

/**
 * The only redirect that such an engine supports, for Docker Hub only. The path of a mirror precedes /v2/ (moby
 * daemon/pkg/registry, 24.0.8 to 29), while that of a registry follows it: no mirror reaches such repositories, and
 * `registry.external.path` is refused together with an engine of this kind (rules/registry.ts).
 */
function mirrorKeys({ name, port, prefix }: RegistrySpec): object {
  return prefix === "" ? { "registry-mirrors": [`https://${endpoint(name, port)}`] } : {};
}

/** Features other than the image store stay as they are written. */
function withFeatures(daemon: Partial<DaemonSpec>, keys: Readonly<Record<string, unknown>>): object {
  if (keys["features"] === undefined) return keys;
  return {
    ...keys,
    features: { ...(daemon["features"] as object | undefined), ...(keys["features"] as object) },
  };
}

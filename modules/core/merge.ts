/** What a host inherits from its site: objects key by key, everything else whole. */
import { imageStoreKeys, imageStoreOf } from "./image-store.ts";
import type {
  DaemonSpec,
  DockerGroupSpec,
  GroupSpec,
  HostSpec,
  Site,
  UserSpec,
  VolumesSpec,
} from "./site.ts";

/** What the site says for all hosts, and a host for itself. */
export type Sections = {
  readonly groups?: readonly GroupSpec[];
  readonly dockerGroup?: Partial<DockerGroupSpec>;
  readonly users?: readonly UserSpec[];
  readonly volumes?: Partial<VolumesSpec>;
  readonly engine?: Partial<HostSpec["engine"]>;
  readonly daemon?: Partial<DaemonSpec>;
};
type HostFile = Pick<HostSpec, "name" | "address" | "login" | "hostKey"> &
  Partial<Pick<HostSpec, "port" | "architecture">> &
  Sections;

/** The site as it is written. */
export interface SiteFile extends Sections {
  readonly bundle: Site["bundle"];
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
  const daemon: Partial<DaemonSpec> = { ...daemonDefaults, ...site.daemon, ...host.daemon };
  const imageStore = imageStoreOf(daemon, engine.version);
  return {
    ...host,
    port: host.port ?? 22,
    architecture: host.architecture ?? "amd64",
    groups: host.groups ?? site.groups ?? [],
    dockerGroup: { strangers: "report", ...site.dockerGroup, ...host.dockerGroup },
    users: host.users ?? site.users ?? [],
    volumes: { group: "vg0", ...site.volumes, ...host.volumes },
    engine,
    imageStore,
    daemon: { ...daemon, ...withFeatures(daemon, imageStoreKeys(imageStore)) },
  };
}

/** Features beside the image store stay as they were written. */
function withFeatures(daemon: Partial<DaemonSpec>, keys: Readonly<Record<string, unknown>>): object {
  if (keys["features"] === undefined) return keys;
  return {
    ...keys,
    features: { ...(daemon["features"] as object | undefined), ...(keys["features"] as object) },
  };
}

/** The defaults that stacks/site.schema.json documents; a test holds the two together. */
export const daemonDefaults = {
  "log-driver": "local",
  "log-level": "info",
  "live-restore": true,
} as const;

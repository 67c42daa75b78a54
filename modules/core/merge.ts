/** What a host inherits from its site: objects key by key, everything else whole. */
import type { DaemonSpec, HostSpec, Site, UserSpec, VolumesSpec } from "./site.ts";

/** What the site says for all hosts, and a host for itself. */
export type Sections = {
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
  return {
    ...host,
    port: host.port ?? 22,
    architecture: host.architecture ?? "amd64",
    users: host.users ?? site.users ?? [],
    volumes: { group: "vg0", ...site.volumes, ...host.volumes },
    engine: { ...site.engine, ...host.engine },
    daemon: { ...daemonDefaults, ...site.daemon, ...host.daemon },
  };
}

/** The defaults that stacks/site.schema.json documents; a test holds the two together. */
export const daemonDefaults = {
  "log-driver": "local",
  "log-level": "info",
  "storage-driver": "overlay2",
  "live-restore": true,
} as const;

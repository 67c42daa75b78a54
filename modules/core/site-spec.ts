/** The site as all code beyond site.ts has it: every host whole, and nothing in it that has not been checked. */
import type { ImageStore } from "./image-store.ts";
import type { JumpSpec } from "./jump.ts";
import type { RegistrySpec, ServedRegistry } from "./registry.ts";
import type { RolloutSpec } from "./rollout.ts";

/** Architectures in Docker's words. */
export type Architecture = "amd64" | "arm64";

export interface UserSpec {
  readonly name: string;
  readonly uid: number;
  /** @default the uid */
  readonly gid?: number;
  readonly systemUid?: boolean;
  /** @default "/bin/bash" */
  readonly shell?: string;
  /** @default "/home/<name>" */
  readonly home?: string;
  /** Besides the primary group and docker. */
  readonly groups?: readonly string[];
  /** Whether the user is in the docker group. @default true */
  readonly docker?: boolean;
  /** Everything, or these command lines, without a password. Absent: no rule. */
  readonly sudo?: "ALL" | readonly string[];
  readonly authorizedKeys: readonly string[];
  /** @default "exact" */
  readonly keys?: "exact" | "add";
  /** A hash of crypt(5); a secret. Absent: no password. */
  readonly passwordHash?: string;
  /** First day without access, YYYY-MM-DD, UTC. */
  readonly expires?: string;
  /** @default false */
  readonly locked?: boolean;
}

export interface GroupSpec {
  readonly name: string;
  readonly gid: number;
}

/** The group that may use the engine. */
export interface DockerGroupSpec {
  /** Absent: any, made with one of the system's. */
  readonly gid?: number;
  /** Accounts of a directory (LDAP, Active Directory) that are members; Sealift looks after nothing else of theirs. @default [] */
  readonly members?: readonly string[];
  /** What is done about members that the site does not name. @default "report" */
  readonly strangers: "report" | "remove";
}

export interface LogicalVolumeSpec {
  readonly name: string;
  /** `20GiB`, `2TiB`, or `50%FREE` of what is free in the group when the volume is made. */
  readonly size: string;
  /** @default "xfs" */
  readonly filesystem?: "xfs" | "ext4";
  readonly mount: string;
  /** @default ["nodev"] */
  readonly options?: readonly MountOption[];
  /** Of the top directory: `deploy`, `deploy:1600` or `1500:1500`. Absent: as it is. */
  readonly owner?: string;
  /** Of the top directory, four octal digits. Absent: as it is. */
  readonly mode?: string;
}

/** mount(8), options for all file systems. */
export type MountOption = "nodev" | "nosuid" | "noexec" | "noatime";

export interface DiskSpec {
  /** Path below /dev/disk/by-id. */
  readonly disk: string;
  /** The serial number that the disk has to have, as lsblk(8) shows it. Absent: any. */
  readonly serial?: string;
}

/** Where journald keeps its files, and how much. Source: journald.conf(5). */
export interface JournalSpec {
  /** Mount point of a logical volume, or of one that others have laid out. */
  readonly mount: string;
  /** `500MiB` or `2GiB`. */
  readonly maxUse: string;
  /** `1GiB`. Absent: journald's own default, 15 % of the volume and at most 4 GiB. */
  readonly keepFree?: string;
  /** Absent: entries go only when there is no room for them. */
  readonly maxRetentionDays?: number;
}

/** A mount that others have laid out: checked, never changed. */
export interface ExistingMountSpec {
  readonly mount: string;
  /** Absent: any that outlives a boot. */
  readonly filesystem?: "xfs" | "ext4";
  /** `500MiB`, `50GiB` or `2TiB` that df(1) shows as available. Absent: nothing is asked. */
  readonly minFree?: string;
}

/** A disk is there exactly where `logical` is not empty. */
export interface VolumesSpec extends Partial<DiskSpec> {
  readonly moreDisks?: readonly DiskSpec[];
  readonly group: string;
  /** Empty where all storage is laid out by others. */
  readonly logical: readonly LogicalVolumeSpec[];
  /** Absent: none. */
  readonly existing?: readonly ExistingMountSpec[];
  readonly journal?: JournalSpec;
}

/** A Docker that was on the host before Sealift. */
export interface AdoptSpec {
  /** Its data root, an absolute path. */
  readonly from: string;
  /** Its version, `26.1.5`. */
  readonly version: string;
}

/** Exact versions; the bundle has to hold them. */
export interface EngineChoice {
  readonly version: string;
  /** Plugins of the docker command; absent: Sealift installs none. */
  readonly compose?: string;
  readonly buildx?: string;
  /** What is taken over from another engine; absent: nothing. */
  readonly adopt?: AdoptSpec;
}

/** daemon.json, in Docker's own words. */
export interface DaemonSpec {
  readonly "data-root": string;
  readonly [key: string]: unknown;
}

/** One ceiling for all containers of a host together. */
export interface ContainerLimitsSpec {
  /** `24GiB`, `512MiB`, `1TiB`, or `80%` of the host's. @default none */
  readonly memory?: string;
  /** A number of processors, or `75%` of the host's. @default none */
  readonly cpus?: number | string;
  /** Processes and threads. @default none */
  readonly tasks?: number;
}

/** What a run leaves for those outside. */
export interface ReceiptSpec {
  /** Folder for receipts and their pages. */
  readonly directory: string;
  /** Key to sign with: a private key file, or a public one whose private half is in the ssh-agent. */
  readonly key: string;
}

/** One host with everything it inherits from the site. */
export interface HostSpec {
  readonly name: string;
  /** What the stack has called it until now; absent: the same. */
  readonly formerName?: string;
  readonly address: string;
  readonly port: number;
  readonly login: string;
  readonly hostKey: string;
  /** Absent: the host is reached directly. */
  readonly jump?: JumpSpec;
  readonly architecture: Architecture;
  /** Where it stands, for the order in which hosts change. */
  readonly rack?: string;
  /** The team whose versions run here, when one is named. */
  readonly team?: string;
  /** Images that the bundle has to hold for this host. */
  readonly images: readonly string[];
  readonly groups: readonly GroupSpec[];
  readonly dockerGroup: DockerGroupSpec;
  readonly users: readonly UserSpec[];
  readonly volumes: VolumesSpec;
  readonly engine: EngineChoice;
  /** What daemon.json chooses, for the guards that keep a host from losing sight of its images. */
  readonly imageStore: ImageStore;
  readonly daemon: DaemonSpec;
  readonly containerLimits?: ContainerLimitsSpec;
  /** The registry that feeds the site; absent: everything travels over ssh. */
  readonly registry?: RegistrySpec;
}

/** A host that runs the site's registry. */
export type ServedHost = HostSpec & { readonly registry: RegistrySpec & { readonly serves: ServedRegistry } };

/** The host whose registry is sent the bundle, before those that it feeds; else in their order. */
export function feederFirst<T extends { readonly spec: HostSpec }>(hosts: readonly T[]): readonly T[] {
  const fed = ({ spec }: T): number => Number(spec.registry?.serves?.feeder !== undefined);
  return hosts.toSorted((a, b) => fed(a) - fed(b));
}

export function isServed(host: HostSpec): host is ServedHost {
  return host.registry?.serves !== undefined;
}

/** The bundle that was carried in, and what makes it acceptable. Paths are absolute or relative to the checkout. */
export interface BundleSpec {
  readonly directory: string;
  /** In the format of ssh-keygen(1), ALLOWED SIGNERS. */
  readonly allowedSigners: string;
  /** Absent: any lock that is signed. */
  readonly lock?: string;
  /** A KRL of ssh-keygen(1), or a list of public keys. Absent: none is revoked. */
  readonly revokedKeys?: string;
  /** How many different people of `allowedSigners` must have signed. @default 1 */
  readonly signatures?: number;
  /** Without a list of accepted bundles none passes. @default false */
  readonly requireAccepted?: boolean;
}

export interface Site {
  readonly rollout: RolloutSpec;
  /** Absent: a run leaves no receipt. */
  readonly receipt?: ReceiptSpec;
  readonly bundle: BundleSpec;
  readonly hosts: readonly HostSpec[];
}

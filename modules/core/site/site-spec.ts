/** The site as used by all code beyond site.ts: every host complete, and every value validated. */
import type { ImageStore } from "./image-store.ts";
import type { JumpSpec } from "./jump-host.ts";
import type { BackupClientSpec, BackupStoreSpec } from "./backups.ts";
import type { RegistrySpec, ServedRegistry } from "./registry.ts";
import type { RolloutSpec } from "./rollout.ts";
import { keepsUnlockKey, ownMember, type SwarmSpec } from "./swarm.ts";

/** Architectures in Docker's notation. */
export type Architecture = "amd64" | "arm64";

export interface UserSpec {
  readonly name: string;
  readonly uid: number;
  /** @default the uid */
  readonly gid?: number;
  readonly allowSystemId?: boolean;
  /** @default "/bin/bash" */
  readonly shell?: string;
  /** @default "/home/<name>" */
  readonly home?: string;
  /** In addition to the primary group and docker. */
  readonly groups?: readonly string[];
  /** Whether the user is in the docker group. @default true */
  readonly docker?: boolean;
  /** All commands, or these command lines, without a password. Absent: no rule. */
  readonly sudo?: "ALL" | readonly string[];
  readonly authorizedKeys: readonly string[];
  /** exclusive: other keys are removed. additive: other keys stay. @default "exclusive" */
  readonly authorizedKeysMode?: "exclusive" | "additive";
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
  /** Absent: any, assigned by the system. */
  readonly gid?: number;
  /** Accounts of a directory (LDAP, Active Directory) that are members; Sealift looks after nothing else of theirs. @default [] */
  readonly members?: readonly string[];
  /** What is done about members that the site does not name. @default "report" */
  readonly unmanagedMembers: "report" | "remove";
}

export interface LogicalVolumeSpec {
  readonly name: string;
  /** `20GiB`, `2TiB`, or `50%FREE` of the group's free space when the volume is created. */
  readonly size: string;
  /** @default "xfs" */
  readonly filesystem?: "xfs" | "ext4";
  readonly mount: string;
  /** @default ["nodev"] */
  readonly options?: readonly MountOption[];
  /** Of the top directory: `deploy`, `deploy:1600` or `1500:1500`. Absent: unchanged. */
  readonly owner?: string;
  /** Of the top directory, four octal digits. Absent: unchanged. */
  readonly mode?: string;
}

/** mount(8), options for all file systems. */
export type MountOption = "nodev" | "nosuid" | "noexec" | "noatime";

export interface DiskSpec {
  /** Path below /dev/disk/by-id, or below /dev/disk/by-path. */
  readonly id: string;
  /** The serial number that the disk has to have, as lsblk(8) shows it. Absent: any. */
  readonly serial?: string;
}

/** Where journald keeps its files, and how much space they may take. Source: journald.conf(5). */
export interface JournalSpec {
  /** Mount point of a logical volume, or an existing mount. */
  readonly mount: string;
  /** `500MiB` or `2GiB`. */
  readonly maxUse: string;
  /** `1GiB`. Absent: journald's own default, 15 % of the volume and at most 4 GiB. */
  readonly keepFree?: string;
  /** Absent: entries are deleted only for lack of space. */
  readonly maxRetentionDays?: number;
}

/** A mount that others have laid out: checked, never changed. */
export interface ExistingMountSpec {
  readonly mount: string;
  /** Absent: any that survives a reboot. */
  readonly filesystem?: "xfs" | "ext4";
  /** `500MiB`, `50GiB` or `2TiB` that df(1) reports as available. Absent: not checked. */
  readonly minFree?: string;
}

export interface VolumesSpec {
  /** The group starts on the first. Present exactly where `logicalVolumes` is not empty. */
  readonly disks?: readonly DiskSpec[];
  readonly group: string;
  /** Empty where others manage all storage. */
  readonly logicalVolumes: readonly LogicalVolumeSpec[];
  /** Absent: none. */
  readonly existing?: readonly ExistingMountSpec[];
  readonly journal?: JournalSpec;
}

/** A Docker installation that was on the host before Sealift. */
export interface AdoptSpec {
  /** Its data root, an absolute path. */
  readonly from: string;
  /** Its version, `26.1.5`. */
  readonly version: string;
}

/** Exact versions, which the bundle must have. */
export interface EngineChoice {
  readonly version: string;
  /** Plugins of the docker command; absent: Sealift installs none. */
  readonly compose?: string;
  readonly buildx?: string;
  /** What is taken over from another engine; absent: nothing. */
  readonly adopt?: AdoptSpec;
}

/** daemon.json, with Docker's own keys. */
export interface DaemonSpec {
  readonly "data-root": string;
  readonly [key: string]: unknown;
}

/** One limit for all containers of a host together. */
export interface ContainerLimitsSpec {
  /** `24GiB`, `512MiB`, `1TiB`, or `80%` of the host's. @default none */
  readonly memory?: string;
  /** A number of processors, or `75%` of the host's. @default none */
  readonly cpus?: number | string;
  /** Processes and threads. @default none */
  readonly tasks?: number;
}

/** An application that runs on a host: a Compose project of the bundle. */
export interface AppSpec {
  /** Its name in the bundle, and that of its Compose project. */
  readonly name: string;
  /** Exact version of the bundle. */
  readonly version: string;
  /** Values for the variables of its Compose file. Default none. */
  readonly values?: Readonly<Record<string, string>>;
  /** Content for the file secrets of its Compose file, by name. Default none. */
  readonly secrets?: Readonly<Record<string, AppSecretSpec>>;
  /** Rights over the whole host, and paths of it, that its services may have. Default none. */
  readonly allow?: readonly string[];
  /** Where the state of its services lies on the host, by the name of the service. Default in volumes of the engine. */
  readonly data?: Readonly<Record<string, AppDataSpec>>;
  /** Absent: it is not backed up. */
  readonly backup?: AppBackupSpec;
  /** Absent: nothing is rehearsed. */
  readonly restore?: AppRestoreSpec;
  readonly update: AppUpdateSpec;
  /** How many earlier releases stay on the host with their images. */
  readonly keep: number;
}

/** An application of the site that runs on its swarm: the same project of the bundle, as a stack. */
export interface StackSpec extends Pick<
  AppSpec,
  "name" | "version" | "values" | "secrets" | "allow" | "keep"
> {
  readonly update: StackUpdateSpec;
}

/** How services are replaced, in the words of Compose's `deploy.update_config`. What is absent is as the Compose file has it. */
export interface StackUpdateSpec {
  readonly order?: "start-first" | "stop-first";
  readonly parallelism?: number;
  /** A duration of Compose: `10s`. */
  readonly delay?: string;
  readonly monitor?: string;
  readonly failure_action?: "rollback" | "pause";
  /** How long a deployment may take until all services run, in seconds. */
  readonly timeout: number;
}

/** An application of another host whose backups are restored here for a test. */
export interface RehearsalSpec {
  /** Name of the host that runs it. */
  readonly of: string;
  readonly app: AppSpec;
  /** Repository of that host in the store of this one. */
  readonly repository: string;
}

/** The folder of a host in which a service keeps its state. */
export interface AppDataSpec {
  /** Absolute path on a volume or an existing mount of the host. */
  readonly path: string;
  /** `uid:gid` of the folder. Absent: unchanged. */
  readonly owner?: string;
}

/** When and how an application is backed up. */
export interface AppBackupSpec {
  /** Time of day of the host, `02:30`. */
  readonly at: string;
  /** Logical volume of which a snapshot is taken; the data of all services lies on it. Absent: none. */
  readonly snapshot?: string;
  /** Without a snapshot: the services with data stop while their files are read. @default false */
  readonly stop: boolean;
  /** Services of which a database dump is taken as well, by name. */
  readonly dump: Readonly<Record<string, DumpSpec>>;
  /** Volumes of the Compose file, and paths of the host, whose content is not backed up. Default none. */
  readonly without?: readonly string[];
}

/** How a database is dumped inside its container: to standard output. */
export type DumpSpec =
  | {
      readonly command: readonly string[];
      /** Loads the dump from standard input, in the container of an empty service. Absent: the backup has its files. */
      readonly load?: readonly string[];
    }
  | {
      readonly engine: DatabaseEngine;
      /** The account that reads all databases. Absent: that of the image. */
      readonly user?: string;
      /** Name of the secret in the Compose file with its password. Absent: it needs none inside the container. */
      readonly password?: string;
    };

export type DatabaseEngine = "postgresql" | "mariadb" | "mysql" | "redis";

/** How a restore is rehearsed. */
export interface AppRestoreSpec {
  readonly rehearse: "daily" | "weekly" | "monthly";
  /** Host that stores backups. */
  readonly on: string;
  /** By the name of a service with data: a command that ends with 0 in its container when the data is right. Default that of its engine. */
  readonly check: Readonly<Record<string, readonly string[]>>;
}

/** How the secrets of applications are encrypted. */
export interface SecretsSpec {
  /** Exact version of age, the program that decrypts them on a host. */
  readonly age: string;
  /** Public key of age that can decrypt every secret of the site. */
  readonly recoveryKey: string;
}

/** One secret of an application. */
export interface AppSecretSpec {
  /** Path of a file encrypted by age, relative to the checkout. */
  readonly file: string;
  /** `uid:gid` of the file in the container. @default "0:0" */
  readonly owner?: string;
  /** Four octal digits. @default "0400" */
  readonly mode?: string;
}

/** How a new release replaces the one before, in the words of Compose's `deploy.update_config`. */
export interface AppUpdateSpec {
  readonly order: "stop-first";
  /** How long a container of a new release must run without a restart, in seconds. */
  readonly monitor: number;
  readonly failure_action: "rollback" | "pause";
  /** How long a release may take until all its services are healthy, in seconds. */
  readonly timeout: number;
  /** What happens before a release takes the place of another one. Default nothing. */
  readonly before?: UpdateBeforeSpec;
  /** Greatest age in days of the rehearsed backup without which no database gets another major version. @default 7 */
  readonly rehearsed?: number;
}

export interface UpdateBeforeSpec {
  /** A one-shot of the Compose file that runs once per release. */
  readonly run?: string;
  /** The application is backed up first. @default false */
  readonly backup?: boolean;
}

/** The receipts of a site's runs. */
export interface ReceiptSpec {
  /** Folder for receipts and their pages. */
  readonly directory: string;
  /** Signing key: a private key file, or a public one whose private key is in the ssh-agent. */
  readonly key: string;
}

/** One host with everything it inherits from the site. */
export interface HostSpec {
  readonly name: string;
  /** Its name in the stack until now; absent: the same. */
  readonly formerName?: string;
  readonly address: string;
  readonly port: number;
  readonly sshUser: string;
  readonly hostKey: string;
  /** Absent: the host is reached directly. */
  readonly jumpHost?: JumpSpec;
  readonly architecture: Architecture;
  /** Its location, for the order in which hosts change. */
  readonly rack?: string;
  /** The team whose versions run here, if any. */
  readonly team?: string;
  /** Images that the bundle must have for this host, and that its engine holds with the digests of the lock. */
  readonly images: readonly string[];
  /** Applications that run here, in the order of the site. */
  readonly apps: readonly AppSpec[];
  /** Applications of the swarm, on each of its members in the order of the site. Default none. */
  readonly stacks?: readonly StackSpec[];
  /** Applications of other hosts whose restore is rehearsed here. Default none. */
  readonly rehearsals?: readonly RehearsalSpec[];
  /** Absent: Sealift looks after no secrets. */
  readonly secrets?: SecretsSpec;
  /** What this host backs up, and where to; absent: nothing. */
  readonly backup?: BackupClientSpec;
  /** What it stores for other hosts; absent: nothing. */
  readonly store?: BackupStoreSpec;
  readonly groups: readonly GroupSpec[];
  readonly dockerGroup: DockerGroupSpec;
  readonly users: readonly UserSpec[];
  readonly volumes: VolumesSpec;
  readonly engine: EngineChoice;
  /** The choice of daemon.json, for the guards that keep a host from losing its images. */
  readonly imageStore: ImageStore;
  readonly daemon: DaemonSpec;
  readonly containerLimits?: ContainerLimitsSpec;
  /** The registry of the site; absent: all files travel over ssh. */
  readonly registry?: RegistrySpec;
  /** Absent: it is no member of a swarm. */
  readonly swarm?: SwarmSpec;
}

/** A host that runs the site's registry. */
export type ServedHost = HostSpec & { readonly registry: RegistrySpec & { readonly serves: ServedRegistry } };

/** The host whose registry is sent the bundle comes first; the others, which copy from it, follow in their order. */
export function upstreamFirst<T extends { readonly spec: HostSpec }>(hosts: readonly T[]): readonly T[] {
  const downstream = ({ spec }: T): number => Number(spec.registry?.serves?.upstreamRegistry !== undefined);
  return hosts.toSorted((a, b) => downstream(a) - downstream(b));
}

export function isServed(host: HostSpec): host is ServedHost {
  return host.registry?.serves !== undefined;
}

/** The applications of the swarm on one of its managers; none on all other hosts. */
export function managedStacks({
  stacks = [],
  swarm,
}: Partial<Pick<HostSpec, "stacks" | "swarm">>): readonly StackSpec[] {
  return swarm !== undefined && ownMember(swarm).role === "manager" ? stacks : [];
}

/** Whether a host needs age: something is encrypted for it, or it encrypts the unlock key of its swarm. */
export function needsAge(
  host: Pick<HostSpec, "apps" | "backup" | "store" | "rehearsals" | "stacks" | "swarm">,
): boolean {
  const { apps, backup, store, rehearsals = [], swarm } = host;
  const all = [...apps, ...rehearsals.map(({ app }) => app), ...managedStacks(host)];
  return (
    backup !== undefined ||
    store !== undefined ||
    keepsUnlockKey(swarm) ||
    all.some((app) => Object.keys(app.secrets ?? {}).length > 0)
  );
}

/** The bundle and its acceptance criteria. Paths are absolute or relative to the checkout. */
export interface SiteBundleSpec {
  readonly directory: string;
  /** In the format of ssh-keygen(1), ALLOWED SIGNERS. */
  readonly allowedSigners: string;
  /** Absent: any signed lock. */
  readonly lock?: string;
  /** A KRL of ssh-keygen(1), or a list of public keys. Absent: no key is revoked. */
  readonly revokedKeys?: string;
  /** How many different people of `allowedSigners` must have signed. @default 1 */
  readonly minSignatures?: number;
  /** Refuse every bundle when there is no list of accepted bundles. @default false */
  readonly requireAccepted?: boolean;
}

export interface Site {
  readonly rollout: RolloutSpec;
  /** Absent: a run writes no receipt. */
  readonly receipt?: ReceiptSpec;
  readonly bundle: SiteBundleSpec;
  readonly hosts: readonly HostSpec[];
}

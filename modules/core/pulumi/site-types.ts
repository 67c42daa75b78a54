/**
 * A site as a program writes it. Written by `npm run docs` from stacks/site.schema.json, whose rules apply at run time as well.
 */
import type { Input } from "@pulumi/pulumi";

/** Everything that one stack describes: the bundle, settings for all hosts, and the hosts. */
export interface SiteInput {
  /**
   * The shared file of several environments, relative to the folder of this file. Absent: nothing is shared.
   * @example "site.yaml"
   */
  readonly shared?: string;
  /** The bundle: its directory and the keys that may sign it. */
  readonly bundle: {
    /**
     * Directory of the bundle (an OCI image layout), absolute or relative to the checkout.
     * @example "/media/carry/bundle-7"
     */
    readonly directory: string;
    /**
     * ssh-keygen allowed_signers file, absolute or relative to the checkout. A bundle without a signature by one of these keys is refused. The list of accepted bundles is in the same folder (allowed_signers.accepted.json): a bundle with a lower serial than the last accepted one is refused.
     * @example "stacks/allowed_signers"
     */
    readonly allowedSigners: string;
    /**
     * The reviewed lock, absolute or relative to the checkout. The bundle must be built from exactly this file. Absent: any signed lock is accepted.
     * @example "offline-bundle/bundle.lock.yaml"
     */
    readonly lock?: string;
    /**
     * Revoked keys, even if allowedSigners lists them: a KRL of ssh-keygen(1) or one public key per line; absolute or relative to the checkout. If the file is missing or empty, no bundle is accepted. Default: no key is revoked.
     * @example "stacks/revoked_keys"
     */
    readonly revokedKeys?: string;
    /**
     * Number of different people in allowedSigners who must have signed the bundle. A key under several names counts as one person, and so does a name with several keys; names are compared case-insensitively. All certificates of one CA count as one person.
     * @default 1
     * @example 2
     */
    readonly minSignatures?: number;
    /**
     * Whether a list of accepted bundles is required. Without that list, older bundles cannot be detected: this causes a warning on every run, and with true a refusal. Create the list with sealift bundle accept.
     * @default false
     * @example true
     */
    readonly requireAccepted?: boolean;
  };
  readonly groups?: GroupsInput;
  readonly dockerGroup?: DockerGroupInput;
  readonly users?: UsersInput;
  /**
   * Password hashes for the console by the name of the user, for users without a passwordHash. If the site has its own file, they are stored in the stack file: `pulumi config set --secret --path 'sealift:site.passwordHashes.deploy'`. Default none.
   * @example {"deploy":"$y$j9T$7Hn0p1f7bXQm8dQ7r9Yp30$GQ2vVyJp0t7m0FzC1b6xWQe1c4m0bD5o0z7u4kM3nS9"}
   */
  readonly passwordHashes?: Readonly<Record<string, Input<string>>>;
  readonly volumes?: VolumesInput;
  readonly engine?: EngineInput;
  readonly daemon?: DaemonInput;
  readonly daemonProfile?: DaemonProfileInput;
  readonly containerLimits?: ContainerLimitsInput;
  /**
   * Networks of the site that hosts and containers must be able to reach, in CIDR notation. Container networks that overlap one of them are refused. Default none.
   * @example ["10.20.0.0/16"]
   */
  readonly networks?: readonly string[];
  readonly jumpHost?: JumpHostInput;
  readonly registry?: RegistryInput;
  readonly rollout?: RolloutInput;
  readonly receipt?: ReceiptInput;
  readonly images?: ImagesInput;
  readonly apps?: AppsInput;
  readonly secrets?: SecretsInput;
  readonly backups?: BackupsInput;
  readonly swarm?: SwarmInput;
  /**
   * Classes of hosts, by name. A class overrides the class of the same name in the shared file, key by key.
   * @example {"docker-host":{"volumes":{"group":"vg0"}}}
   */
  readonly classes?: Readonly<Record<string, ClassInput>>;
  /**
   * Teams and the versions that they pin, by name. A team overrides the team of the same name in the shared file, key by key: this is how a version is promoted from one environment to the next.
   * @example {"payments":{"engine":"28.5"}}
   */
  readonly teams?: Readonly<Record<string, TeamInput>>;
  /** The hosts. A host's groups, dockerGroup, users, volumes, engine and daemon override those of the site, key by key (in daemon, in maps such as log-opts as well); a list is replaced as a whole. An entry may also be the name of a YAML file with a list of hosts, relative to the folder of this file. */
  readonly hosts: readonly (HostInput | string)[];
}

export interface HostInput {
  /**
   * Name of the host in previews, states and errors: short, or with its domain. To Pulumi, a new name is a new host unless formerName is set.
   * @example "node-a"
   */
  readonly name: string;
  /**
   * The previous name of a renamed host: Pulumi then keeps its resources instead of showing them as deleted and created. It can be removed after the next update. Default: the same name.
   * @example "node-a"
   */
  readonly formerName?: string;
  /**
   * Host name or IP address at which the operator's machine reaches the host with ssh.
   * @example "10.20.0.11"
   */
  readonly address: Input<string>;
  /**
   * TCP port of sshd.
   * @default 22
   * @example 22
   */
  readonly port?: Input<number>;
  /**
   * The account that ssh logs in to: root, or an account with passwordless sudo. Its key comes from the operator's ssh-agent.
   * @example "ops"
   */
  readonly sshUser?: string;
  /**
   * The host's public ssh key as in `ssh-keyscan -t ed25519 <address>`, without the leading address. A host that presents another key is refused.
   * @example "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1Ab"
   */
  readonly hostKey: Input<string>;
  readonly jumpHost?: JumpHostInput;
  /**
   * The rack of the host; `rollout.perRack` limits changes to one rack at a time.
   * @example "r1"
   */
  readonly rack?: string;
  /**
   * The class of the host, a named set of values. Defined in `classes` here or in the shared file.
   * @example "docker-host"
   */
  readonly class?: string;
  /**
   * The team whose versions run here. Defined in `teams` here or in the shared file.
   * @example "payments"
   */
  readonly team?: string;
  /**
   * Architecture of the host, in Docker's notation; selects the engine from the bundle.
   * @default "amd64"
   * @example "amd64"
   */
  readonly architecture?: "amd64" | "arm64";
  readonly groups?: GroupsInput;
  readonly dockerGroup?: DockerGroupInput;
  readonly users?: UsersInput;
  readonly volumes?: VolumesInput;
  readonly engine?: EngineInput;
  readonly daemon?: DaemonInput;
  readonly daemonProfile?: DaemonProfileInput;
  readonly containerLimits?: ContainerLimitsInput;
  readonly images?: ImagesInput;
}

/** Groups with the same gid on every host. A user is a member of the groups that it lists and of no other of these; the group docker has its own section. */
export type GroupsInput = readonly {
  /**
   * Name of the group.
   * @example "app"
   */
  readonly name: string;
  /**
   * Group id, 1 to 4294967294. Refused if a group of this name has another gid, or if another group has this gid.
   * @example 2000
   */
  readonly gid: number;
}[];

/** The group docker, whose members may use the engine. According to Docker, membership grants root-level privileges. */
export interface DockerGroupInput {
  /**
   * Group id, 1 to 4294967294. Absent: the existing gid of the group, or one that the system assigns.
   * @example 990
   */
  readonly gid?: number;
  /**
   * Accounts of a directory (LDAP, Active Directory) that are members of the group, by their names in `getent passwd`. Sealift manages nothing else about them; an account that is removed from this list becomes an unmanaged member. Default: none.
   * @example ["j.doe@corp.example"]
   */
  readonly members?: readonly string[];
  /**
   * How to handle members that the site does not list. report: every preview and up warns about them and changes nothing. remove: the preview shows them as a difference, and up removes them from the group.
   * @default "report"
   * @example "remove"
   */
  readonly unmanagedMembers?: "report" | "remove";
}

/** Accounts on the hosts. An account that is removed from this list loses the group docker and its sudo rule; an account that Sealift created is also locked. Accounts are never deleted. */
export type UsersInput = readonly {
  /**
   * Login name.
   * @example "deploy"
   */
  readonly name: string;
  /**
   * User id, the same on every host. 1000 to 59999, or more than 600100000, unless allowSystemId is set. Refused if an account of this name has another uid, or if another account has this uid.
   * @example 1500
   */
  readonly uid: number;
  /**
   * Id of the primary group: one of the site's groups, or a group with the user's name. Default: the uid.
   * @example 1500
   */
  readonly gid?: number;
  /**
   * Allows a uid or gid outside 1000 to 59999 and up to 600100000.
   * @default false
   * @example false
   */
  readonly allowSystemId?: boolean;
  /**
   * Login shell, an absolute path; it must exist on the host.
   * @default "/bin/bash"
   * @example "/bin/bash"
   */
  readonly shell?: string;
  /**
   * Home directory, an absolute path; it may be on one of the volumes or below an existing mount. An existing home is never moved. Default: /home/ and the name.
   * @example "/svc/home/deploy"
   */
  readonly home?: string;
  /**
   * Groups of the user in addition to its primary group and docker: groups of the site, or adm, systemd-journal, users, staff, operator, backup, plugdev of the base system. Default: none.
   * @example ["app","adm"]
   */
  readonly groups?: readonly string[];
  /**
   * Whether the user is a member of the group docker. Membership is equivalent to root on the host: grant it sparingly.
   * @default true
   * @example true
   */
  readonly docker?: boolean;
  /**
   * What the user may do with sudo without a password: ALL (all commands as any user), or a list of command lines as root. A command without arguments allows any arguments; "" after it allows none. Absent: no rule, and an earlier rule by Sealift is removed.
   * @example "ALL"
   */
  readonly sudo?: string | readonly string[];
  /**
   * The public ssh keys that may log in; the list may be empty.
   * @example ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1Ab deploy@office"]
   */
  readonly authorizedKeys: readonly string[];
  /**
   * exclusive: all other lines are removed from authorized_keys. additive: other lines stay.
   * @default "exclusive"
   * @example "additive"
   */
  readonly authorizedKeysMode?: "exclusive" | "additive";
  /**
   * Password hash for the console, as `mkpasswd -m yescrypt` prints it (crypt(5): yescrypt, SHA-512 or SHA-256). A secret: set it with `pulumi config set --secret --path 'sealift:site.passwordHashes.<name>'`. Absent: the user has no password.
   * @example "$y$j9T$7Hn0p1f7bXQm8dQ7r9Yp30$GQ2vVyJp0t7m0FzC1b6xWQe1c4m0bD5o0z7u4kM3nS9"
   */
  readonly passwordHash?: Input<string>;
  /**
   * First day on which the user can no longer log in, neither with a password nor with a key; YYYY-MM-DD, UTC. Absent: never.
   * @example "2027-01-31"
   */
  readonly expires?: string;
  /**
   * Locks the user out: the password is locked and the account is expired, so that keys do not work either. Groups, home and keys stay; false unlocks the account.
   * @default false
   * @example true
   */
  readonly locked?: boolean;
}[];

/** One volume group on blank disks, split into logical volumes. Sealift never shrinks, wipes or removes any of them. */
export interface VolumesInput {
  /**
   * The disks of the volume group, which is created on the first one. Sealift adds a new disk of the list to the group while its volumes are in use. It refuses a site that no longer lists a disk of the group.
   * @example [{"id":"/dev/disk/by-id/scsi-36000c29f3c1f0c5e","serial":"S3Z9NX0M600001"},{"id":"/dev/disk/by-id/scsi-36000c29a7b2e1d41"}]
   */
  readonly disks?: readonly {
    /**
     * Path of a disk for LVM, by its id, because sdb may be sdc after a reboot. The disk must be blank or already carry this volume group. If a virtual machine gives its disks no serial numbers, and so no ids, use a path below /dev/disk/by-path/. Such a path names a slot: another disk in the same slot has the same path. For a multipath disk, use its /dev/disk/by-id/dm-uuid-mpath-… name.
     * @example "/dev/disk/by-id/scsi-36000c29f3c1f0c5e"
     */
    readonly id: string;
    /**
     * Serial number that the disk must have, as `lsblk --nodeps --output SERIAL <disk>` shows it: a second check before anything is written. By default any.
     * @example "S3Z9NX0M600001"
     */
    readonly serial?: string;
  }[];
  /**
   * Name of the volume group.
   * @default "vg0"
   * @example "vg0"
   */
  readonly group?: string;
  /** The logical volumes, usually svc, logs and data. An empty list on a host that has only `existing` mounts. */
  readonly logicalVolumes?: readonly {
    /**
     * Name of the logical volume.
     * @example "data"
     */
    readonly name: string;
    /**
     * Size in GiB (2^30 bytes) or TiB (2^40 bytes). A larger size grows the volume while it is in use; a smaller one is refused. Or N%FREE, percent of the free space in the group when the volume is created, at least 1 GiB; such a volume is never resized, and must come after all volumes with a fixed size.
     * @example "200GiB"
     */
    readonly size: string;
    /**
     * xfs (created with ftype=1, which overlay2 requires) or ext4. An existing file system is never formatted again.
     * @default "xfs"
     * @example "xfs"
     */
    readonly filesystem?: "xfs" | "ext4";
    /**
     * Mount point, an absolute path; mounted by a systemd mount unit. A mount point below another one must come after it in the list.
     * @example "/data"
     */
    readonly mount: string;
    /**
     * Mount options: nodev (no device files), nosuid (setuid is ignored), noexec (no program can be run), noatime (reads do not update access times). Changes take effect without an unmount.
     * @default ["nodev"]
     * @example ["nodev","nosuid","noexec"]
     */
    readonly options?: readonly ("nodev" | "nosuid" | "noexec" | "noatime")[];
    /**
     * Owner of the mounted top directory: a user of this site or root, or a number; after a colon the group, likewise (a user's name stands for the user's own group). Files below it keep their owner. Default: unchanged; root on a new volume.
     * @example "deploy"
     */
    readonly owner?: string;
    /**
     * Mode of the mounted top directory, four octal digits; the owner must have read permission. Default: unchanged; 0755 on a new volume.
     * @example "0750"
     */
    readonly mode?: string;
  }[];
  /**
   * Mounts that others manage (a storage team, RAID, multipath, a cloud image), in addition to volumes or instead of them. They must exist and are only checked: Sealift creates, formats, grows and mounts nothing there, and their top directories keep owner and mode. Data-root, homes, the registry and the journal may be on them. Default: none.
   * @example [{"mount":"/data","filesystem":"xfs","minFree":"50GiB"}]
   */
  readonly existing?: readonly {
    /**
     * The mount point. It must be a separate mount that systemd mounts at every boot, from /etc/fstab or from an enabled mount unit.
     * @example "/data"
     */
    readonly mount: string;
    /**
     * The required file system; xfs must have ftype=1, which overlay2 requires. Default: any that survives a reboot; xfs must have ftype=1 as well.
     * @example "xfs"
     */
    readonly filesystem?: "xfs" | "ext4";
    /**
     * The space that must be available at every run, as reported by df(1), in MiB (2^20 bytes), GiB (2^30 bytes) or TiB (2^40 bytes). Default: not checked.
     * @example "50GiB"
     */
    readonly minFree?: string;
  }[];
  /**
   * Keeps the host's journal (journald's files, with those of containers whose log driver is journald) on one of the volumes or existing mounts and within limits. Default: journald is not changed.
   * @example {"mount":"/logs","maxUse":"500MiB","maxRetentionDays":90}
   */
  readonly journal?: {
    /**
     * Mount point of a logical volume or an existing mount; the files are in its directory journal, which is mounted at /var/log/journal. Earlier files are kept in /var/log/journal.before-sealift.
     * @example "/logs"
     */
    readonly mount: string;
    /**
     * Maximum size of the journal, in MiB (2^20 bytes) or GiB (2^30 bytes): journald's SystemMaxUse. The oldest files are deleted first. Must be less than the volume's size.
     * @example "500MiB"
     */
    readonly maxUse: string;
    /**
     * Space of the volume that the journal leaves free, in MiB or GiB: journald's SystemKeepFree. By default journald's own value: 15 % of the volume, at most 4 GiB.
     * @example "1GiB"
     */
    readonly keepFree?: string;
    /**
     * Days after which journald deletes entries: its MaxRetentionSec. By default it keeps them while there is free space.
     * @example 90
     */
    readonly maxRetentionDays?: number;
  };
}

/**
 * The jump host for ssh: for probes, commands and copies. Sealift connects directly to a host that has the jump host's own address and port. The key for it comes from the operator's ssh-agent, as for the hosts.
 * @example {"address":"10.20.0.2","sshUser":"jump","hostKey":"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1Ab"}
 */
export interface JumpHostInput {
  /**
   * Host name or IP address of the jump host.
   * @example "10.20.0.2"
   */
  readonly address?: string;
  /**
   * TCP port of the jump host's sshd.
   * @default 22
   * @example 22
   */
  readonly port?: number;
  /**
   * The account there. It only needs permission to forward connections (sshd_config: AllowTcpForwarding).
   * @example "jump"
   */
  readonly sshUser?: string;
  /**
   * The jump host's public ssh key, in the same form as a host's. A jump host that presents another key is refused before any host is probed.
   * @example "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0m4vL0J5dF9r0tKxA2yD3b7fJ0g6wQxq1m0R5cS1Ab"
   */
  readonly hostKey?: string;
}

/** The Docker engine to run, and the plugins of the docker command; all of them come from the bundle. */
export interface EngineInput {
  /**
   * Exact version, or a release series (two numbers): the newest version of it in the bundle's lock. The bundle must hold it.
   * @example "28.5.2"
   */
  readonly version?: string;
  /**
   * Version of the compose plugin, exact or a release series; the bundle must hold it. Absent: none is installed, and an installed one stays.
   * @example "5.5.1"
   */
  readonly compose?: string;
  /**
   * Version of the buildx plugin, exact or a release series; the bundle must hold it. Absent: none is installed, and an installed one stays.
   * @example "0.37.1"
   */
  readonly buildx?: string;
  /**
   * Containers, volumes and images of a Docker installation that was on the host before Sealift: they are copied into data-root once, while no engine runs; `from` is not changed. docs/guide/adopt-a-docker-host.md describes the procedure, and `sealift doctor` prints the commands for the host. Default: nothing is adopted.
   * @example {"from":"/var/lib/docker","version":"26.1.5"}
   */
  readonly adopt?: {
    /**
     * The data root of that Docker, an absolute path.
     * @example "/var/lib/docker"
     */
    readonly from: string;
    /**
     * The version of that Docker, as reported by `docker version`. It determines which engine versions may follow.
     * @example "26.1.5"
     */
    readonly version: string;
  };
}

/** daemon.json, with Docker's own keys, for engines 26.1 to 29. Any other key is refused rather than passed on unchecked. Defaults of daemonProfile are written into the file; any other default is the engine's own. */
export interface DaemonInput {
  /**
   * The directory for images, containers and volumes, an absolute path on one of the logical volumes or existing mounts; no default. It may be the mount itself; the engine then sets the mode of that directory. containerd's root is below it. A change is refused while the current data-root has containers: they would disappear. Applied by a restart.
   * @example "/data/docker"
   */
  readonly "data-root"?: string;
  /**
   * overlay2 is the classic image store. Setting it disables the containerd image store. Absent: the engine's own default for an empty host, classic before 29, containerd's from 29 on; either way the choice is written into daemon.json. Applied by a restart.
   * @example "overlay2"
   */
  readonly "storage-driver"?: "overlay2";
  /**
   * Options of the classic store's overlay2 driver. overlay2.size limits each container's writable layer, in bytes or with k, m, g or t (powers of 1024); it needs data-root on a mount of volumes.existing that is xfs and mounted with pquota. Applied by a restart.
   * @example ["overlay2.size=10G"]
   */
  readonly "storage-opts"?: readonly string[];
  /** Feature flags of the engine, each true or false. Default: the engine's own, and containerd-snapshotter as the image store needs it. Applied by a restart. */
  readonly features?: {
    /**
     * true: images are in the containerd store; false: in the classic store. Default: containerd for an empty host with engine 29 or later, classic otherwise; the choice is always written explicitly.
     * @example true
     */
    readonly "containerd-snapshotter"?: boolean;
    /**
     * Devices through the Container Device Interface. Default: true since 28.3, false before.
     * @example true
     */
    readonly cdi?: boolean;
    /**
     * BuildKit as the builder of `docker build`. Default: true.
     * @default true
     * @example true
     */
    readonly buildkit?: boolean;
    /**
     * At start, the daemon migrates images from the classic store to the containerd store, if there are few images and no containers. Experimental. Default: false.
     * @example false
     */
    readonly "containerd-migration"?: boolean;
    /**
     * Swarm together with firewall-backend: nftables. Experimental. Default: false.
     * @example false
     */
    readonly "swarm-nftables"?: boolean;
    /**
     * A time namespace for each container. Default: the engine's own.
     * @example true
     */
    readonly "time-namespaces"?: boolean;
  };
  /**
   * Default log driver of new containers. local rotates and compresses; json-file does not rotate by default, so it gets the same limits here. Existing containers keep their driver. Applied by a restart.
   * @default "local"
   * @example "local"
   */
  readonly "log-driver"?:
    | "local"
    | "json-file"
    | "journald"
    | "syslog"
    | "fluentd"
    | "gelf"
    | "awslogs"
    | "splunk"
    | "gcplogs"
    | "none";
  /**
   * Options of the log driver, all of them strings, as the engine requires. Default for local and json-file: 20 MB per file, 5 files per container; an explicit key replaces only its own default, and {} removes all defaults. For other drivers none. Applied by a restart.
   * @default {"max-size":"20m","max-file":"5"}
   * @example {"max-size":"20m","max-file":"5"}
   */
  readonly "log-opts"?: {
    /**
     * Size of one log file in bytes, or with k, m or g (powers of 1000: 20m is 20,000,000 bytes).
     * @example "20m"
     */
    readonly "max-size"?: string;
    /**
     * Number of log files for each container.
     * @example "5"
     */
    readonly "max-file"?: string;
    /**
     * Whether rotated files are compressed. Default "true" with local, "false" with json-file.
     * @example "true"
     */
    readonly compress?: "true" | "false";
    /**
     * blocking: a container waits for a slow log; non-blocking: messages are dropped when the buffer is full. Default "blocking".
     * @example "non-blocking"
     */
    readonly mode?: "blocking" | "non-blocking";
    /**
     * Size of the buffer of a non-blocking log in bytes, or with k, m or g (powers of 1024). Default "1m".
     * @example "4m"
     */
    readonly "max-buffer-size"?: string;
  };
  /**
   * Log level of the daemon itself. Applied by a restart.
   * @default "info"
   * @example "info"
   */
  readonly "log-level"?: "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "panic";
  /**
   * Format of the daemon's own log. Applied by a restart.
   * @default "text"
   * @example "text"
   */
  readonly "log-format"?: "text" | "json";
  /**
   * Full timestamps and no colours in the daemon's own log. Applied by a restart.
   * @default false
   * @example false
   */
  readonly "raw-logs"?: boolean;
  /**
   * The daemon writes a debug log, whatever log-level is set. Applied by a reload.
   * @default false
   * @example false
   */
  readonly debug?: boolean;
  /**
   * Containers keep running while the daemon is down. Not with Swarm. Applied by a reload.
   * @default true
   * @example true
   */
  readonly "live-restore"?: boolean;
  /**
   * Seconds that containers get to stop when the daemon shuts down. Raise it for databases. Applied by a reload.
   * @default 15
   * @example 15
   */
  readonly "shutdown-timeout"?: number;
  /**
   * Seconds that `docker stop` gives a container without its own value. Applied by a reload.
   * @default 10
   * @example 10
   */
  readonly "default-stop-timeout"?: number;
  /**
   * An init process in each new container, which reaps zombie processes and forwards signals. Applied by a restart.
   * @default true
   * @example true
   */
  readonly init?: boolean;
  /**
   * Layers of one image that are pulled at the same time; 0 is the default. Applied by a reload.
   * @default 3
   * @example 3
   */
  readonly "max-concurrent-downloads"?: number;
  /**
   * Layers of one image that are pushed at the same time; 0 is the default. Applied by a reload.
   * @default 5
   * @example 5
   */
  readonly "max-concurrent-uploads"?: number;
  /**
   * Attempts to download a layer before a pull fails; 0 is the default. Applied by a reload.
   * @default 5
   * @example 5
   */
  readonly "max-download-attempts"?: number;
  /**
   * Mirrors of Docker Hub only, as URLs, including a path as in Nexus or Artifactory, but without /v2, which the engine adds. Applied by a reload.
   * @default []
   * @example ["https://registry.site:5000"]
   */
  readonly "registry-mirrors"?: readonly string[];
  /**
   * Registries that are used without TLS or without certificate verification: host:port or a network. Default none, written as an empty list, which also removes the exception for loopback since 29.10. It is better to give the registry a certificate and put its CA into /etc/docker/certs.d. Applied by a reload.
   * @default []
   * @example ["localhost:5000"]
   */
  readonly "insecure-registries"?: readonly string[];
  /** Proxies of the daemon's own pulls and pushes; containers do not see them. Default none. Applied by a restart. */
  readonly proxies?: {
    /**
     * Proxy for http registries; "" for none. No default. Without a user and a password: daemon.json is not a place for secrets.
     * @example "http://proxy.site:3128"
     */
    readonly "http-proxy"?: string;
    /**
     * Proxy for https registries; "" for none. No default. Without a user and a password: daemon.json is not a place for secrets.
     * @example "http://proxy.site:3128"
     */
    readonly "https-proxy"?: string;
    /**
     * Hosts, domains and networks that are reached directly, separated by commas; * means all. Include the site's registry. No default.
     * @example "registry.site,10.0.0.0/8"
     */
    readonly "no-proxy"?: string;
  };
  /**
   * Plugins that authorize each API call. A plugin that does not respond blocks the daemon, so this is never reloaded. Default none. Applied by a restart.
   * @default []
   * @example ["opa-docker-authz"]
   */
  readonly "authorization-plugins"?: readonly string[];
  /**
   * Pools from which container networks are allocated: base in CIDR notation, size as the prefix length of each network; at least one is IPv4, unless bip is set. Default: the engine's own, 172.17.0.0/16 to 172.31.0.0/16 and 192.168.0.0/16, which many sites use themselves. Existing networks keep their addresses. Applied by a restart; running containers stop.
   * @example [{"base":"10.201.0.0/16","size":24}]
   */
  readonly "default-address-pools"?: readonly {
    /**
     * Network in CIDR notation, without host bits.
     * @example "10.201.0.0/16"
     */
    readonly base: string;
    /**
     * Prefix length of each network that is allocated from it, in bits.
     * @example 24
     */
    readonly size: number;
  }[];
  /**
   * IPv4 address and prefix length of docker0, the bridge of containers without their own network: a host address, not the network address. Default: from the first pool. Applied by a restart; running containers stop.
   * @example "10.201.0.1/24"
   */
  readonly bip?: string;
  /**
   * The same for IPv6. Applied by a restart; running containers stop.
   * @example "fd00:201::1/64"
   */
  readonly bip6?: string;
  /**
   * Part of docker0's network from which containers get addresses. Default: all of it. Applied by a restart; running containers stop.
   * @example "10.201.0.128/25"
   */
  readonly "fixed-cidr"?: string;
  /**
   * The same for IPv6. Applied by a restart; running containers stop.
   * @example "fd00:201::/64"
   */
  readonly "fixed-cidr-v6"?: string;
  /**
   * IPv4 gateway of containers on docker0: an address of its network other than bip, which must also be set. Default: docker0 itself. Applied by a restart; running containers stop.
   * @example "10.201.0.254"
   */
  readonly "default-gateway"?: string;
  /**
   * The same for IPv6, together with bip6; before engine 28 together with fixed-cidr-v6. Applied by a restart; running containers stop.
   * @example "fd00:201::fffe"
   */
  readonly "default-gateway-v6"?: string;
  /**
   * An existing bridge of the host instead of docker0, or "none" for no default network. Not together with bip. Default: docker0. Applied by a restart; running containers stop.
   * @example "br0"
   */
  readonly bridge?: string;
  /**
   * MTU of docker0 in bytes. For other networks, use default-network-opts. Applied by a restart; running containers stop.
   * @default 1500
   * @example 1500
   */
  readonly mtu?: number;
  /**
   * Driver options of new networks, by driver; all of them strings. Default none. Applied by a restart.
   * @example {"bridge":{"com.docker.network.driver.mtu":"1450"}}
   */
  readonly "default-network-opts"?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /**
   * MTU in bytes of the gossip between Swarm nodes. Applied by a restart.
   * @default 1500
   * @example 1500
   */
  readonly "network-control-plane-mtu"?: number;
  /**
   * TCP port of the network diagnostic server on loopback. 0 disables it. Applied by a reload.
   * @default 0
   * @example 0
   */
  readonly "network-diagnostic-port"?: number;
  /**
   * Whether containers on docker0 can reach each other. false requires iptables. Applied by a restart; running containers stop.
   * @default false
   * @example false
   */
  readonly icc?: boolean;
  /**
   * Host address on which published ports listen if `docker run -p` gives none. Applied by a restart; running containers stop.
   * @default "0.0.0.0"
   * @example "127.0.0.1"
   */
  readonly ip?: string;
  /**
   * IPv6 on docker0; before engine 28 with fixed-cidr-v6. Applied by a restart; running containers stop.
   * @default false
   * @example false
   */
  readonly ipv6?: boolean;
  /**
   * Whether the daemon writes firewall rules. Without them, you must configure published ports and network isolation yourself. Applied by a restart.
   * @default true
   * @example true
   */
  readonly iptables?: boolean;
  /**
   * The same for IPv6; before engine 27 together with experimental: true. Applied by a restart.
   * @default true
   * @example true
   */
  readonly ip6tables?: boolean;
  /**
   * Whether the daemon enables IP forwarding on the host. Applied by a restart.
   * @default true
   * @example true
   */
  readonly "ip-forward"?: boolean;
  /**
   * Keeps the host's FORWARD policy when forwarding is enabled. Applied by a restart.
   * @default false
   * @example false
   */
  readonly "ip-forward-no-drop"?: boolean;
  /**
   * Outgoing packets of containers on docker0 get the host's address (masquerading). Applied by a restart; running containers stop.
   * @default true
   * @example true
   */
  readonly "ip-masq"?: boolean;
  /**
   * A proxy process for each published port, which also serves the host's loopback address. false uses only firewall rules and loses [::1]. Applied by a restart.
   * @default true
   * @example true
   */
  readonly "userland-proxy"?: boolean;
  /**
   * Published ports are also reachable from outside through the containers' addresses. Applied by a restart.
   * @default false
   * @example false
   */
  readonly "allow-direct-routing"?: boolean;
  /**
   * Firewall mark, optionally with a mask, of packets that bridge networks always accept. Default none. Applied by a restart.
   * @example "0x1/0x3"
   */
  readonly "bridge-accept-fwmark"?: string;
  /**
   * The backend for firewall rules. nftables is experimental, has no DOCKER-USER chain, and requires the command nft and IP forwarding enabled on the host. Applied by a restart.
   * @default "iptables"
   * @example "iptables"
   */
  readonly "firewall-backend"?: "iptables" | "nftables";
  /**
   * Resolvers of containers: addresses that containers can reach, so not loopback. Default: the host's resolvers, and 8.8.8.8 if the host has only loopback ones. Applied by a restart.
   * @example ["10.20.0.53"]
   */
  readonly dns?: readonly string[];
  /**
   * Options of resolv.conf(5) in containers. Default: those of the host. Applied by a restart.
   * @example ["ndots:1"]
   */
  readonly "dns-opts"?: readonly string[];
  /**
   * Search domains in containers. Default: those of the host. Applied by a restart.
   * @example ["site.internal"]
   */
  readonly "dns-search"?: readonly string[];
  /**
   * Addresses for host-gateway in --add-host, at most one IPv4 and one IPv6. Default: docker0's. Applied by a restart.
   * @example ["10.201.0.1"]
   */
  readonly "host-gateway-ips"?: readonly string[];
  /**
   * Address for host-gateway in --add-host: the old name of host-gateway-ips, which engines since 28.0 still accept. Default: docker0's. Applied by a restart.
   * @example "10.201.0.1"
   */
  readonly "host-gateway-ip"?: string;
  /**
   * Ulimits of new containers by name, each with Name, Soft and Hard; -1 is no limit. Default: nofile 65536 soft, 1048576 hard; since engine 29 containers would otherwise get 1024. Explicit names are added to it, and {} removes it. Applied by a restart.
   * @default {"nofile":{"Name":"nofile","Soft":65536,"Hard":1048576}}
   * @example {"nofile":{"Name":"nofile","Soft":65536,"Hard":1048576}}
   */
  readonly "default-ulimits"?: Readonly<
    Partial<
      Record<
        | "core"
        | "cpu"
        | "data"
        | "fsize"
        | "locks"
        | "memlock"
        | "msgqueue"
        | "nice"
        | "nofile"
        | "nproc"
        | "rss"
        | "rtprio"
        | "rttime"
        | "sigpending"
        | "stack",
        {
          /**
           * The same name again.
           * @example "nofile"
           */
          readonly Name:
            | "core"
            | "cpu"
            | "data"
            | "fsize"
            | "locks"
            | "memlock"
            | "msgqueue"
            | "nice"
            | "nofile"
            | "nproc"
            | "rss"
            | "rtprio"
            | "rttime"
            | "sigpending"
            | "stack";
          /**
           * The initial limit of a process, in the limit's own unit.
           * @example 65536
           */
          readonly Soft: number;
          /**
           * The maximum to which a process may raise it, in the limit's own unit.
           * @example 1048576
           */
          readonly Hard: number;
        }
      >
    >
  >;
  /**
   * Size of /dev/shm of new containers in bytes, or with k, m or g (powers of 1024), in quotes. Applied by a reload.
   * @default "64M"
   * @example "64M"
   */
  readonly "default-shm-size"?: string;
  /**
   * IPC namespace of new containers. Applied by a reload.
   * @default "private"
   * @example "private"
   */
  readonly "default-ipc-mode"?: "private" | "shareable";
  /**
   * Cgroup namespace of new containers. Applied by a reload.
   * @default "private"
   * @example "private"
   */
  readonly "default-cgroupns-mode"?: "private" | "host";
  /**
   * Runtime of new containers: runc or one of runtimes. Applied by a reload.
   * @default "runc"
   * @example "runc"
   */
  readonly "default-runtime"?: string;
  /**
   * Additional OCI runtimes by name; runc is built in and cannot be redefined. Default none. Applied by a reload.
   * @default {}
   * @example {"crun":{"path":"/usr/bin/crun"}}
   */
  readonly runtimes?: Readonly<
    Record<
      string,
      {
        /**
         * The runtime's program: an absolute path on the host, or a name on the PATH of containerd.service. Either this or runtimeType.
         * @example "/usr/bin/crun"
         */
        readonly path?: string;
        /**
         * Arguments of the program. Default none.
         * @example ["--debug"]
         */
        readonly runtimeArgs?: readonly string[];
        /**
         * An empty list, as nvidia-ctk writes it: the engine ignores this name of runtimeArgs, and Sealift omits it.
         * @example []
         */
        readonly args?: readonly unknown[];
        /**
         * A containerd shim by its type name or an absolute path. Either this or path.
         * @example "io.containerd.runsc.v1"
         */
        readonly runtimeType?: string;
        /**
         * Options of the shim, as it documents them. Default none.
         * @example {"TypeUrl":"io.containerd.runsc.v1.options"}
         */
        readonly options?: Readonly<Record<string, unknown>>;
      }
    >
  >;
  /**
   * New containers cannot gain privileges through setuid programs; breaks images that rely on sudo or su. Applied by a restart.
   * @default false
   * @example false
   */
  readonly "no-new-privileges"?: boolean;
  /**
   * Absolute path of a seccomp profile on the host, or builtin. unconfined is refused. Applied by a restart.
   * @default "builtin"
   * @example "builtin"
   */
  readonly "seccomp-profile"?: string;
  /**
   * SELinux labels on containers; the host's kernel must have SELinux enabled, while Ubuntu and Debian use AppArmor. Applied by a restart.
   * @default false
   * @example false
   */
  readonly "selinux-enabled"?: boolean;
  /**
   * The user to whose subordinate ids root in containers is mapped, or "default" for dockremap, which the engine creates; any other user, its group and its lines in /etc/subuid and /etc/subgid must exist. Requires the classic store. A change is refused while containers exist: they would disappear. Default none. Applied by a restart.
   * @example "default"
   */
  readonly "userns-remap"?: string;
  /**
   * The systemd slice of all containers; a running container is moved at its next start. containerLimits creates such a slice with limits and sets this key. Default: system.slice. Applied by a restart.
   * @example "batch.slice"
   */
  readonly "cgroup-parent"?: string;
  /**
   * Options of the runtime: the cgroup driver. Default: systemd if systemd uses cgroup v2. Applied by a restart.
   * @example ["native.cgroupdriver=systemd"]
   */
  readonly "exec-opts"?: readonly ("native.cgroupdriver=systemd" | "native.cgroupdriver=cgroupfs")[];
  /**
   * Address and port of Prometheus metrics, which require no authentication: loopback, or an address that a firewall protects. Default none. Applied by a restart.
   * @example "127.0.0.1:9323"
   */
  readonly "metrics-addr"?: string;
  /**
   * key=value labels of the engine, shown by docker info. Default none. Applied by a reload.
   * @default []
   * @example ["rack=r1"]
   */
  readonly labels?: readonly string[];
  /** Limits of the build cache. Default: the engine's own rules, which depend on the size of the disk. Applied by a restart. */
  readonly builder?: {
    /** Garbage collection of the build cache. Default: enabled. */
    readonly gc?: {
      /**
       * Whether the build cache is collected. Default true, always written together with any other key of gc: engines before 28.2 treat a gc without it as false.
       * @default true
       * @example true
       */
      readonly enabled?: boolean;
      /**
       * Build cache that is kept, in bytes or with a unit (powers of 1024). Since 28.0 the old name of defaultReservedSpace, which takes precedence. Default: 10 % of the disk.
       * @example "20GB"
       */
      readonly defaultKeepStorage?: string;
      /**
       * Build cache that is always kept, in bytes or with a unit (powers of 1024). Default: 10 %.
       * @example "20GB"
       */
      readonly defaultReservedSpace?: string;
      /**
       * Maximum size of the build cache, in bytes or with a unit (powers of 1024). Default: 60 %.
       * @example "20GB"
       */
      readonly defaultMaxUsedSpace?: string;
      /**
       * Free space that is kept at the expense of the build cache, in bytes or with a unit (powers of 1024). Default: 20 %.
       * @example "20GB"
       */
      readonly defaultMinFreeSpace?: string;
      /**
       * Rules in order, instead of the default ones.
       * @example [{"filter":["unused-for=48h"],"reservedSpace":"10GB"}]
       */
      readonly policy?: readonly {
        /**
         * Whether internal and frontend cache is included. Default false.
         * @default false
         * @example false
         */
        readonly all?: boolean;
        /**
         * What the rule applies to, as in `docker builder prune --filter`. Default: everything.
         * @example ["unused-for=48h"]
         */
        readonly filter?: readonly string[];
        /**
         * Cache that this rule keeps, in bytes or with a unit (powers of 1024). Since 28.0 the old name of reservedSpace, which takes precedence.
         * @example "20GB"
         */
        readonly keepStorage?: string;
        /**
         * Cache that this rule always keeps, in bytes or with a unit (powers of 1024).
         * @example "20GB"
         */
        readonly reservedSpace?: string;
        /**
         * Maximum size that this rule leaves, in bytes or with a unit (powers of 1024).
         * @example "20GB"
         */
        readonly maxUsedSpace?: string;
        /**
         * Free space that this rule creates, in bytes or with a unit (powers of 1024).
         * @example "20GB"
         */
        readonly minFreeSpace?: string;
      }[];
    };
    /** Records of past builds. Default: the engine's own, 50 records and 48 hours. */
    readonly history?: {
      /**
       * How long a record is kept, as a duration with its unit or in seconds. Default 48h.
       * @example "24h"
       */
      readonly maxAge?: string;
      /**
       * How many records are kept. Default 50.
       * @example 50
       */
      readonly maxEntries?: number;
    };
    /** Permissions that a build may request. Default: network-host and security-insecure as the engine decides. */
    readonly entitlements?: {
      /**
       * Builds may use the host's network. Default true.
       * @default true
       * @example true
       */
      readonly "network-host"?: boolean;
      /**
       * Builds may run without confinement. Default false.
       * @default false
       * @example false
       */
      readonly "security-insecure"?: boolean;
      /**
       * Builds may use devices through CDI. Default true.
       * @default true
       * @example true
       */
      readonly device?: boolean;
    };
  };
  /**
   * Directories of Container Device Interface specifications, absolute paths. Default /etc/cdi and /var/run/cdi. Applied by a restart.
   * @example ["/etc/cdi"]
   */
  readonly "cdi-spec-dirs"?: readonly string[];
  /** The Node Resource Interface, experimental. Default off. Applied by a reload. */
  readonly "nri-opts"?: {
    /**
     * Whether plugins may modify containers at creation. Default false.
     * @default false
     * @example false
     */
    readonly enable?: boolean;
    /**
     * Directory of plugins, an absolute path. Default: the engine's own.
     * @example "/opt/nri/plugins"
     */
    readonly "plugin-path"?: string;
    /**
     * Directory of the plugins' configuration, an absolute path. Default: the engine's own.
     * @example "/etc/nri/conf.d"
     */
    readonly "plugin-config-path"?: string;
    /**
     * Socket that external plugins connect to, an absolute path. Default: none listens.
     * @example "/run/nri/nri.sock"
     */
    readonly "socket-path"?: string;
  };
  /**
   * Experimental commands of the API. Applied by a restart.
   * @default false
   * @example false
   */
  readonly experimental?: boolean;
  /**
   * Oldest API version that clients may use, from 1.24 to the engine's newest (29.0: 1.52, 29.2: 1.53, 29.3: 1.54, 29.6: 1.55). Raise or lower it for old clients only. Default: the engine's own, 1.44, since 29.3 1.40. Applied by a restart.
   * @example "1.44"
   */
  readonly "min-api-version"?: string;
  /**
   * Resources that a Swarm node offers. Default none. Applied by a restart.
   * @example ["NVIDIA-GPU=UUID1"]
   */
  readonly "node-generic-resources"?: readonly string[];
  /**
   * Address or interface that a Swarm node advertises. Default: chosen by the engine. Applied by a restart.
   * @example "eth0"
   */
  readonly "swarm-default-advertise-addr"?: string;
}

/**
 * Defaults for daemon.json. baseline: limited logs, live-restore, an init process, no traffic between containers on the default bridge, more open files. cis: baseline, and requirements of the CIS Docker Benchmark that may break an image: no-new-privileges, no userland-proxy, ports published on 127.0.0.1 unless an address is given. A key in daemon overrides the profile.
 * @default "baseline"
 * @example "cis"
 */
export type DaemonProfileInput = "baseline" | "cis";

/** One limit for all containers of a host together: their systemd slice. Default: none. */
export interface ContainerLimitsInput {
  /**
   * Memory of all containers together, in MiB, GiB or TiB (powers of 1024) or in % of the host's: above it the kernel kills processes in containers. Default: no limit.
   * @example "24GiB"
   */
  readonly memory?: string;
  /**
   * CPUs of all containers together, as a number (6, 1.5) or in % of the host's. Default: no limit.
   * @example 6
   */
  readonly cpus?: number | string;
  /**
   * Processes and threads of all containers together. Default: no limit.
   * @example 20000
   */
  readonly tasks?: number;
}

/**
 * Images, by full name and tag, that hosts hold with the digests of the lock: pulled from the site's registry, or without one sent over ssh and loaded, which needs the containerd image store. A preview refuses a bundle that lacks one of them. A name that leads to another image is drift; an image that is removed from the list stays on the host. A host has the images of the site and of its own list, which is that of the host, or else of its team, or else of its class. Default none.
 * @example ["docker.io/library/busybox:1.37"]
 */
export type ImagesInput = readonly string[];

/**
 * Applications of the bundle and the hosts that run them. An application is a Compose project; on each of its hosts Sealift runs one release of it, with the images and files that the lock pins. An application that is removed from the list keeps running: systemctl disable --now sealift-app-<name>.service stops it, and docker compose -p <name> down removes its containers. Default none.
 * @example [{"name":"shop","version":"2.4","class":"docker-host"}]
 */
export type AppsInput = readonly {
  /**
   * Name of the application in bundle.yaml, and of its Compose project.
   * @example "shop"
   */
  readonly name: string;
  /**
   * Exact version, or a release series (two numbers): the newest version of it in the bundle's lock. The bundle must hold it. An earlier version is the way back.
   * @example "2.4"
   */
  readonly version: string;
  /**
   * Names of the hosts that run it. Absent: the hosts of `class` or `team`, or else all hosts.
   * @example ["node-a"]
   */
  readonly hosts?: readonly string[];
  /**
   * The hosts of this class, and of classes that extend it, run it.
   * @example "docker-host"
   */
  readonly class?: string;
  /**
   * swarm: it runs on the swarm of the site, as a stack, and not on hosts of its own. Its services start on whichever nodes the swarm chooses; every member holds its images. Needs `swarm` of the site, and swarm: true in bundle.yaml. `hosts`, `class`, `team`, `data`, `backup`, `restore`, `update.before` and `update.rehearsed` are refused beside it. Absent: on hosts.
   * @example "swarm"
   */
  readonly on?: "swarm";
  /**
   * The hosts of this team run it.
   * @example "payments"
   */
  readonly team?: string;
  /**
   * Values for the variables of the Compose file. They take precedence over the .env file of the project and are stored in clear text: a secret does not belong here. Default none.
   * @example {"SHOP_URL":"https://shop.bank.local"}
   */
  readonly values?: Readonly<Record<string, string>>;
  /**
   * Content for the file secrets of its Compose file, by their names there: files of the repository, encrypted by age (`sealift secret edit`). Needs `secrets` of the site. Default none.
   * @example {"db_password":{"file":"secrets/shop-db.age","owner":"999:999","mode":"0400"}}
   */
  readonly secrets?: Readonly<Record<string, AppSecretInput>>;
  /**
   * How a new release replaces the one before, in the words of Compose's deploy.update_config.
   * @example {"monitor":"30s","failure_action":"rollback","timeout":"5m"}
   */
  readonly update?: {
    /**
     * stop-first: a container stops before its successor starts. start-first, with on: swarm alone: a task stops when its successor runs and is healthy. Default with on: swarm: as the Compose file has it under deploy.update_config.
     * @default "stop-first"
     * @example "stop-first"
     */
    readonly order?: "start-first" | "stop-first";
    /**
     * With on: swarm alone: how many tasks of a service are replaced at a time; 0: all at once. Default: as the Compose file has it, or else 1.
     * @example 1
     */
    readonly parallelism?: number;
    /**
     * With on: swarm alone: the pause between tasks that are replaced, in seconds (s) or minutes (m). Default: as the Compose file has it, or else none.
     * @example "10s"
     */
    readonly delay?: string;
    /**
     * How long the containers of a new release must run without a restart before the release is accepted, in seconds (s) or minutes (m).
     * @default "30s"
     * @example "30s"
     */
    readonly monitor?: string;
    /**
     * What follows when a new release does not become healthy or does not stay so. rollback: the release before runs again. pause: the new one is left as it is. The run fails in both cases.
     * @default "rollback"
     * @example "rollback"
     */
    readonly failure_action?: "rollback" | "pause";
    /**
     * How long a release may take until all its services are healthy, in seconds (s) or minutes (m).
     * @default "5m"
     * @example "5m"
     */
    readonly timeout?: string;
    /**
     * What happens before a new release takes the place of the one that runs. If it fails, nothing has changed. Not at the first start, and not again for a release that has run. Default nothing.
     * @example {"run":"migrate","backup":true}
     */
    readonly before?: {
      /**
       * A one-shot of the Compose file, such as a migration. It runs once per release, beside the services of the release before. Default none.
       * @example "migrate"
       */
      readonly run?: string;
      /**
       * Whether a backup is made first. Needs backup: of the application.
       * @default false
       * @example true
       */
      readonly backup?: boolean;
    };
    /**
     * A database gets another major version only when a backup that is younger than this, in days (d), was rehearsed with success. See docs/guide/backup.md.
     * @default "7d"
     * @example "7d"
     */
    readonly rehearsed?: string;
  };
  /**
   * What its services may use of the host beyond its volumes: docker.sock, privileged, host-cgroup, host-ipc, host-network, host-pid, host-userns, host-uts, devices, runtime, security-options, logging (a log driver that sends what they print out of the host), or an absolute path that they mount. With any of these rights but logging, a container can do what root can do. Default none.
   * @example ["docker.sock","/etc/localtime"]
   */
  readonly allow?: readonly string[];
  /**
   * Where the state of its services lies on the host, by the name of the service: the folder takes the place of the one named volume that the service mounts for writing. A service that the list does not have keeps its state in volumes of the engine, which are not backed up. Default none.
   * @example {"database":{"path":"/data/shop-db","owner":"999:999"}}
   */
  readonly data?: Readonly<
    Record<
      string,
      {
        /**
         * Absolute path below a mount of the host, for this service alone.
         * @example "/data/shop-db"
         */
        readonly path: string;
        /**
         * Owner and group of the folder, as numbers. Absent: unchanged.
         * @example "999:999"
         */
        readonly owner?: string;
      }
    >
  >;
  /**
   * When and how its data is backed up to the store of `backups`. Absent: it is not backed up.
   * @example {"at":"02:30","snapshot":"data","dump":{"database":{"engine":"postgresql","user":"shop"}}}
   */
  readonly backup?: {
    /**
     * Time of day, by the clock of the host. A backup that was missed while the host was off runs at its start.
     * @example "02:30"
     */
    readonly at: string;
    /**
     * Logical volume of the host with the data of all its services: the files are read from an LVM snapshot of it, and nothing stops. Absent: no snapshot.
     * @example "data"
     */
    readonly snapshot?: string;
    /**
     * Without a snapshot: the services that write to the data are stopped while their files are read. Without either, only dumps are backed up.
     * @default false
     * @example true
     */
    readonly stop?: boolean;
    /**
     * Volumes of the Compose file, by name, and paths of the host that its services may write to and whose content is not backed up. Everything else that they may write to has to be in `data`. Default none.
     * @example ["cache"]
     */
    readonly without?: readonly string[];
    /**
     * Services whose database is dumped as well, by name: by the commands of Sealift for an engine, or by a command of yours. A dump that fails makes the backup fail. Default none.
     * @example {"database":{"engine":"postgresql","user":"shop"}}
     */
    readonly dump?: Readonly<
      Record<
        string,
        {
          /**
           * The database engine; its commands for dump, restore and check are those of the guide.
           * @example "postgresql"
           */
          readonly engine?: "postgresql" | "mariadb" | "mysql" | "redis";
          /**
           * Account that may read all databases. Absent: that of the image.
           * @example "shop"
           */
          readonly user?: string;
          /**
           * Name of the secret in the Compose file with its password; it is read inside the container and is never an argument. Absent: the account needs none inside the container.
           * @example "db_password"
           */
          readonly password?: string;
          /**
           * Program and arguments that write the dump to standard output, run inside the container of the service.
           * @example ["pg_dumpall","--username","shop"]
           */
          readonly command?: readonly string[];
          /**
           * Beside command: program and arguments that load the dump from standard input into the empty service, for a restore. Required without snapshot and stop.
           * @example ["psql","--username","shop"]
           */
          readonly load?: readonly string[];
        }
      >
    >;
  };
  /**
   * How a restore of its backups is rehearsed. Absent: nothing is rehearsed.
   * @example {"rehearse":"weekly","on":"store-b"}
   */
  readonly restore?: {
    /**
     * How often a restore is rehearsed.
     * @default "weekly"
     * @example "weekly"
     */
    readonly rehearse?: "daily" | "weekly" | "monthly";
    /**
     * Host on which it is rehearsed: the store of `backups` or one of its copies.
     * @example "store-b"
     */
    readonly on: string;
    /**
     * By the name of a service with data: program and arguments that end with 0 in its container when the restored data is right. Default: the check of its engine.
     * @example {"database":["psql","-U","shop","-c","select count(*) from visits"]}
     */
    readonly check?: Readonly<Record<string, readonly string[]>>;
  };
  /**
   * Number of earlier releases that stay on the host with their images. The next change of a release removes older ones.
   * @default 2
   * @example 2
   */
  readonly keep?: number;
}[];

/**
 * One secret: the path of its file, relative to the checkout; or a map with the path as `file`, the `owner` of the decrypted file as `uid:gid` (default "0:0"), and its `mode` as four octal digits (default "0400"). Compose ignores uid, gid and mode of secrets that are files, so they are set here.
 * @example "secrets/shop-db.age"
 */
export type AppSecretInput =
  | string
  | {
      /**
       * Path of the encrypted file, relative to the checkout.
       * @example "secrets/shop-db.age"
       */
      readonly file: string;
      /**
       * Owner and group of the decrypted file, as numbers.
       * @default "0:0"
       * @example "999:999"
       */
      readonly owner?: string;
      /**
       * Mode of the decrypted file, four octal digits.
       * @default "0400"
       * @example "0440"
       */
      readonly mode?: string;
    };

/**
 * Where the data of applications is backed up: a host of the site that only takes new backups (restic's rest-server in append-only mode), and hosts that get a copy. What is backed up is `backup` of each application, and `registry` and `receipts` here. Needs `secrets` of the site. Default none.
 * @example {"restic":"0.19.1","restServer":"0.14.0","password":"secrets/restic-{host}.age","store":{"host":"store-a","mount":"/backup","keep":{"daily":7,"weekly":5,"monthly":12}}}
 */
export interface BackupsInput {
  /**
   * Version of restic. The bundle must have it.
   * @example "0.19.1"
   */
  readonly restic: string;
  /**
   * Version of rest-server. The bundle must have it.
   * @example "0.14.0"
   */
  readonly restServer: string;
  /**
   * Path of the file with the password of the repositories, relative to the checkout, encrypted by age (`sealift secret edit`). With `{host}` in it, each host has a file and a password of its own, and no host can read the backups of another.
   * @example "secrets/restic-{host}.age"
   */
  readonly password: string;
  /**
   * The host that stores the backups of all others.
   * @example {"host":"store-a","mount":"/backup"}
   */
  readonly store: {
    /**
     * Name of a host of this site.
     * @example "store-a"
     */
    readonly host: string;
    /**
     * Mount point of the volume for its repositories.
     * @example "/backup"
     */
    readonly mount: string;
    /**
     * TCP port of the store.
     * @default 8000
     * @example 8000
     */
    readonly port?: number;
    /**
     * How many backups of each application are retained, in the words of restic forget. Only the stores remove backups. Default { daily: 7, weekly: 5, monthly: 12 }.
     * @example {"daily":7,"weekly":5,"monthly":12}
     */
    readonly keep?: {
      /**
       * How many of the most recent backups are retained.
       * @default 0
       * @example 7
       */
      readonly last?: number;
      /**
       * How many of the last backups of a day are retained.
       * @default 0
       * @example 7
       */
      readonly daily?: number;
      /**
       * How many of the last backups of a week are retained.
       * @default 0
       * @example 7
       */
      readonly weekly?: number;
      /**
       * How many of the last backups of a month are retained.
       * @default 0
       * @example 7
       */
      readonly monthly?: number;
      /**
       * How many of the last backups of a year are retained.
       * @default 0
       * @example 7
       */
      readonly yearly?: number;
    };
  };
  /**
   * Hosts that get a copy of every backup, with the same retention. Default none.
   * @example [{"host":"store-b","mount":"/backup"}]
   */
  readonly copies?: readonly {
    /**
     * Name of a host of this site.
     * @example "store-a"
     */
    readonly host: string;
    /**
     * Mount point of the volume for its repositories.
     * @example "/backup"
     */
    readonly mount: string;
    /**
     * TCP port of the store.
     * @default 8000
     * @example 8000
     */
    readonly port?: number;
  }[];
  /**
   * When and how the content of the registry of the site is backed up, on each of its hosts. Absent: it is not backed up.
   * @example {"at":"03:30"}
   */
  readonly registry?: {
    /**
     * Time of day, by the clock of the host. A backup that was missed while the host was off runs at its start.
     * @example "03:30"
     */
    readonly at: string;
    /**
     * Logical volume of the registry: the files are read from an LVM snapshot of it. Absent: they are read as they are, and again when something is pushed or removed meanwhile. The registry runs either way.
     * @example "registry"
     */
    readonly snapshot?: string;
  };
  /**
   * The host that backs up the signed receipts of `receipt`: each run sends them to it. Absent: they are not backed up.
   * @example {"host":"node-a","at":"04:00"}
   */
  readonly receipts?: {
    /**
     * Name of a host of this site.
     * @example "node-a"
     */
    readonly host: string;
    /**
     * Time of day, by the clock of the host. A backup that was missed while the host was off runs at its start.
     * @example "04:00"
     */
    readonly at: string;
  };
  /**
   * Every manager of `swarm` backs up what it knows of the swarm: services, networks, secrets, configs and keys. Nothing stops. Absent: none does.
   * @example {"at":"03:45"}
   */
  readonly swarm?: {
    /**
     * Time of day, by the clock of the host. A backup that was missed while the host was off runs at its start.
     * @example "03:45"
     */
    readonly at: string;
  };
}

/**
 * How the secrets of applications are encrypted: files of the repository, each for the ssh host keys of the hosts that need it and for one recovery key. Required where an application has secrets. Absent: Sealift looks after no secrets.
 * @example {"age":"1.3.1","recoveryKey":"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"}
 */
export interface SecretsInput {
  /**
   * Version of age, the program that decrypts them on the hosts. The bundle must have it.
   * @example "1.3.1"
   */
  readonly age: string;
  /**
   * Public key that can decrypt every secret of the site, as `age-keygen` prints it. The private key stays outside the repository, offline: without it, a secret whose hosts are lost cannot be read.
   * @example "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
   */
  readonly recoveryKey: string;
}

/**
 * The swarm of this site: hosts whose engines share services. Its members get live-restore: false, which the engine requires. A site has at most one. Default none.
 * @example {"name":"plant-1","managers":["node-a"],"addressPool":{"base":"172.29.0.0/16"}}
 */
export interface SwarmInput {
  /**
   * Name of the swarm. It is stored in the swarm, so that no host joins another one by mistake.
   * @example "plant-1"
   */
  readonly name: string;
  /**
   * Names of the hosts that manage the swarm: 1, 3, 5 or 7. More than half of them must run, or nothing can be changed. The first one creates the swarm.
   * @example ["node-a","node-b","node-c"]
   */
  readonly managers: readonly string[];
  /**
   * The hosts that only run tasks. Default none.
   * @example {"hosts":["node-d","node-e"]}
   */
  readonly workers?: {
    /**
     * Names of hosts.
     * @example ["node-d"]
     */
    readonly hosts?: readonly string[];
    /**
     * The hosts of this class, and of classes that extend it; those that are managers stay managers.
     * @example "docker-host"
     */
    readonly class?: string;
  };
  /**
   * IPv4 addresses at which the members reach each other, by the name of the host. Default of each: its `address`.
   * @example {"node-a":"10.50.0.1"}
   */
  readonly addresses?: Readonly<Record<string, string>>;
  /**
   * The addresses of its networks. The engine's own choice, 10.0.0.0/8, collides with many sites, and a pool cannot be changed once the swarm exists.
   * @example {"base":"172.29.0.0/16"}
   */
  readonly addressPool: {
    /**
     * IPv4 network in CIDR notation that nothing else uses.
     * @example "172.29.0.0/16"
     */
    readonly base: string;
    /**
     * Prefix length of each network. One of 24 bits has addresses for about 250 containers and services.
     * @default 24
     * @example 24
     */
    readonly size?: number;
  };
  /**
   * The network that takes the traffic of published ports to the tasks. It cannot be changed while a service publishes a port through it. Default: a subnet of the pool, and packets of 1500 bytes.
   * @example {"subnet":"172.28.0.0/24","mtu":1400}
   */
  readonly ingress?: {
    /**
     * Its network in CIDR notation. Default: the engine takes one from the pool.
     * @example "172.28.0.0/24"
     */
    readonly subnet?: string;
    /**
     * Size of its packets between hosts, in bytes. Those of containers are 50 bytes smaller.
     * @default 1500
     * @example 1400
     */
    readonly mtu?: number;
  };
  /**
   * UDP port of the traffic between containers of different hosts. VMware NSX and some hypervisors use 4789 themselves. It cannot be changed once the swarm exists.
   * @default 4789
   * @example 4789
   */
  readonly dataPathPort?: number;
  /**
   * The certificates with which its members know each other.
   * @example {"expiry":"8760h"}
   */
  readonly certificates?: {
    /**
     * How long each is valid, in hours. A running member renews its own in time; one that is switched off for longer is locked out. The engine's own default is 90 days.
     * @default "8760h"
     * @example "8760h"
     */
    readonly expiry?: string;
  };
  /**
   * Whether a manager whose engine was restarted is locked until a person gives it the unlock key: whoever has only its disk then cannot read the secrets of the swarm. Each manager keeps the key, encrypted for the recovery key in `secrets`. When a run restarts an engine, it hands the key over in memory. Default: it stays as it is.
   * @example true
   */
  readonly autolock?: boolean;
  /**
   * Whether managers run tasks of services. Default: only where there are no workers.
   * @example false
   */
  readonly managersRunTasks?: boolean;
  /**
   * Networks that services of several applications share. Default none.
   * @example [{"name":"shop","encrypted":true}]
   */
  readonly networks?: readonly {
    /**
     * Its name, which Compose files refer to as an external network.
     * @example "shop"
     */
    readonly name: string;
    /**
     * Whether its traffic between hosts is encrypted (IPsec). Firewalls must let ESP, IP protocol 50, pass.
     * @default false
     * @example true
     */
    readonly encrypted?: boolean;
    /**
     * Whether containers that belong to no service may join it.
     * @default false
     * @example true
     */
    readonly attachable?: boolean;
    /**
     * Size of its packets between hosts, in bytes. Those of containers are 50 bytes smaller, and at least 76 in an encrypted network.
     * @default 1500
     * @example 1400
     */
    readonly mtu?: number;
  }[];
  /**
   * Labels of the nodes, by the name of the host: Compose files choose nodes by them (deploy.placement.constraints). Default none.
   * @example {"node-d":{"zone":"rack-2"}}
   */
  readonly labels?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /**
   * Names of hosts that were members and leave the swarm: their tasks move to others first. A member that is only left out is refused, so that nothing leaves by mistake. Default none.
   * @example ["node-e"]
   */
  readonly removed?: readonly string[];
}

/** A named set of values for hosts. A host of the class may override each value, key by key (in daemon, in maps such as log-opts as well). Another log-driver starts with empty log-opts. */
export interface ClassInput {
  /**
   * Another class, whose values apply unless this class overrides them.
   * @example "docker-host"
   */
  readonly extends?: string;
  /**
   * The team whose versions run here. Defined in `teams` here or in the shared file.
   * @example "payments"
   */
  readonly team?: string;
  /**
   * TCP port of sshd.
   * @default 22
   * @example 22
   */
  readonly port?: number;
  /**
   * The account that ssh logs in to: root, or an account with passwordless sudo. Its key comes from the operator's ssh-agent.
   * @example "ops"
   */
  readonly sshUser?: string;
  readonly jumpHost?: JumpHostInput;
  /**
   * Architecture of the host, in Docker's notation; selects the engine from the bundle.
   * @default "amd64"
   * @example "amd64"
   */
  readonly architecture?: "amd64" | "arm64";
  readonly groups?: GroupsInput;
  readonly dockerGroup?: DockerGroupInput;
  readonly users?: UsersInput;
  readonly volumes?: VolumesInput;
  readonly engine?: EngineInput;
  readonly daemon?: DaemonInput;
  readonly daemonProfile?: DaemonProfileInput;
  readonly containerLimits?: ContainerLimitsInput;
  readonly images?: ImagesInput;
}

/** The versions that a team pins for all of its hosts. */
export interface TeamInput {
  /**
   * Exact version, or a release series (two numbers): the newest version of it in the bundle's lock. The bundle must hold it.
   * @example "28.5"
   */
  readonly engine?: string;
  /**
   * Version of the compose plugin, exact or a release series; the bundle must hold it. Absent: none is installed, and an installed one stays.
   * @example "5.5.1"
   */
  readonly compose?: string;
  /**
   * Version of the buildx plugin, exact or a release series; the bundle must hold it. Absent: none is installed, and an installed one stays.
   * @example "0.37.1"
   */
  readonly buildx?: string;
  readonly images?: ImagesInput;
}

/** The order in which hosts change, and the condition for the next ones. A change of the order changes no host. */
export interface RolloutInput {
  /**
   * How many hosts change together, first wave first: a number, or a percentage of the hosts that change. The last size applies to all later waves. Default 1, then 10%, then the rest.
   * @default [1,"10%","100%"]
   * @example [1,"10%","100%"]
   */
  readonly waves?: readonly (number | string)[];
  /**
   * Maximum number of hosts that change at a time, whatever the size of the wave: a number, or a percentage of the hosts that change. Default: no limit.
   * @example 4
   */
  readonly maxUnavailable?: number | string;
  /**
   * Only hosts of one `rack` change together.
   * @default false
   * @example true
   */
  readonly perRack?: boolean;
  /**
   * A command that Sealift runs as root on each host of a wave when the wave is done, for at most 60 seconds. It must exit with 0 before the next wave starts. Default none: only the facts of the site must hold.
   * @example "curl -fsS http://127.0.0.1:8080/health"
   */
  readonly gate?: string;
}

/** After each run, Sealift writes a signed receipt for auditors, with facts, hashes of installed files, volumes and times, and an HTML page beside it. */
export interface ReceiptInput {
  /**
   * Folder for receipts, absolute or relative to the checkout.
   * @example "receipts"
   */
  readonly directory: string;
  /**
   * Signing key: a private key file, or a public key file whose private key is in the ssh-agent.
   * @example "/media/carry/receipts.pub"
   */
  readonly key: string;
}

/** The private registry that serves engines, plugins and images to every host of the site. Either hosts of the site run it (name, version, hosts, mount), or it already exists (external). Absent: files are sent to each host over ssh, and image names are not redirected. */
export interface RegistryInput {
  /**
   * DNS name under which clients reach the registry. If no name server knows it, Sealift writes it to /etc/hosts.
   * @example "registry.site"
   */
  readonly name?: string;
  /**
   * Version of CNCF Distribution. The bundle must have it; 3.1.1 or later, because earlier versions delete tags although deletion is disabled (CVE-2026-41888).
   * @example "3.1.2"
   */
  readonly version?: string;
  /**
   * The hosts of the site that run it, each with the whole bundle. The first receives it over ssh, and the other registry hosts copy from the first. All other hosts pull from any of them: from one in their own `rack` first, then in this order.
   * @example [{"name":"store-a","address":"10.20.0.11"}]
   */
  readonly hosts?: readonly {
    /**
     * Name of a host of this site.
     * @example "store-a"
     */
    readonly name: string;
    /**
     * IPv4 address at which the other hosts reach it. Default: the host's own address.
     * @example "10.20.0.11"
     */
    readonly address?: string;
  }[];
  /**
   * Mount point of the logical volume, or the existing mount, for its files, on each of its hosts. It must be separate from the engine's data.
   * @example "/registry"
   */
  readonly mount?: string;
  /**
   * Number of bundles that the registry retains, including the current one. The next up deletes content that only earlier bundles need, according to the recorded contents of each bundle: the preview lists it, the writer is stopped meanwhile, and all remaining content is read and hashed. Content that came from no bundle is never deleted. Default: all of them.
   * @example 3
   */
  readonly retainBundles?: number;
  /**
   * Fingerprints of the only CAs of the registry's hosts that the site trusts, as printed by `openssl x509 -noout -fingerprint -sha256` and in the output `registry`. Any other CA that a registry host reports is refused. List the next CA as well during a rotation. Default: the first CA that a registry host reports, if it is constrained to the registry's name and address, and each next one that this host reports in advance; any other CA is refused until it is listed here.
   * @example ["5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e"]
   */
  readonly caSha256?: readonly string[];
  /**
   * TCP port of the reader, which is read-only and requires no login. Clients use this port.
   * @default 5000
   * @example 5000
   */
  readonly port?: number;
  /**
   * TCP port of the writer, which requires a login and accepts bundles. It listens on 127.0.0.1, unless `writerNetworks` is set.
   * @default 5001
   * @example 5001
   */
  readonly writerPort?: number;
  /**
   * Networks from which the writer can be reached in addition to its own host, for `sealift bundle push` over the network. The writer then listens on every address, and systemd accepts connections from these networks only (`IPAddressDeny=any`); a host whose kernel does not support this is refused. Default: none, the writer listens on 127.0.0.1.
   * @example ["10.20.0.0/16"]
   */
  readonly writerNetworks?: readonly string[];
  /**
   * Registries whose image names hosts use unchanged: `docker.io/library/x` is pulled from `<registry>/docker.io/library/x`, and never from outside; a name with a port, `registry.corp:5000/team/app`, from `<registry>/registry.corp_5000/team/app`. Default: docker.io, ghcr.io, quay.io and registry.k8s.io; only docker.io on hosts with the classic image store or an engine before 28.5, which support no other redirect.
   * @example ["docker.io","ghcr.io"]
   */
  readonly mirroredRegistries?: readonly string[];
  /** An existing registry that others manage. Push bundles into it with `sealift bundle push`. */
  readonly external?: {
    /**
     * Its root URL. Hosts read it without a login. Put a repository path (Nexus, Artifactory, a Harbor project) into `path`.
     * @example "https://harbor.corp:8443"
     */
    readonly url: string;
    /**
     * PEM file with the CA certificates of the registry, absolute or relative to the checkout. Default: those that the hosts already trust.
     * @example "stacks/corp-ca.pem"
     */
    readonly ca?: string;
    /**
     * Prefix of every repository there. Default none.
     * @example "sealift"
     */
    readonly path?: string;
    /**
     * Other hosts to which the registry may redirect, as a name and optionally a port: its token server (the realm), or its object store. GitLab's token server is gitlab's own host; Harbor's is the registry itself. `ca` must cover them too. No other host is contacted. Default: none.
     * @example ["gitlab.corp","minio.corp:9000"]
     */
    readonly allowedHosts?: readonly string[];
  };
}

/** A Compose project as the lock records it: what is needed to run it without parsing its Compose file. */
export interface ComposeProject {
  /** Path of the Compose file in the project: `compose.yaml`. */
  readonly file: string;
  /** Sorted by name. */
  readonly services: readonly ComposeService[];
  /** Files of the top-level `configs`, by name: paths in the project. Default none. */
  readonly configs?: Readonly<Record<string, string>>;
  /** Names of the top-level `secrets` that are files: the site provides their content. Default none. */
  readonly secrets?: readonly string[];
  /** What it is on a swarm, where bundle.yaml asks for that. */
  readonly stack?: StackDefinition;
}

/**
 * A project as docker stack deploy reads it, but for what each site has of its own: references of images, names of configs and secrets, and
 * values of variables. In its texts `$$` is a dollar sign, and `$NAME` and `${NAME:-default}` are variables.
 */
export interface StackDefinition {
  /** By name. Their `configs` and `secrets` have the names of the project as `source`. */
  readonly services: Readonly<Record<string, StackObject>>;
  readonly networks?: Readonly<Record<string, StackObject>>;
  readonly volumes?: Readonly<Record<string, StackObject>>;
  /** Values of the project's own .env. Default none. */
  readonly defaults?: Readonly<Record<string, string>>;
}

export type StackObject = Readonly<Record<string, unknown>>;

export interface ComposeService {
  readonly name: string;
  /** Full name with registry and tag, as in the lock. */
  readonly image: string;
  /** `sha256:…` with which the Compose file names the image. Default that of the lock. */
  readonly digest?: string;
  /**
   * First 16 hex digits of the sha256 of its definition as compose prints it, with sorted keys: the preview compares it with what
   * runs, before the files of the release are on the host.
   */
  readonly config: string;
  /** Names of the variables in its definition, sorted. Default none. */
  readonly variables?: readonly string[];
  /** Its env_file: paths in the project, in their order. Default none. */
  readonly envFiles?: readonly string[];
  /** Names of the top-level configs and secrets that it uses. Default none. */
  readonly configs?: readonly string[];
  readonly secrets?: readonly string[];
  /** Containers. @default 1 */
  readonly replicas?: number;
  /** Others wait for it with `service_completed_successfully`: it ends with 0. @default false */
  readonly oneShot?: boolean;
  /**
   * The policy with which the engine would start its containers at boot although they were stopped: `always` as `restart:` has it, `any`
   * as `deploy.restart_policy` does. Default another one.
   */
  readonly restart?: "always" | "any";
  /** What it mounts from the project. Default nothing. */
  readonly binds?: readonly ProjectBind[];
  /** Absolute paths of the host that it mounts, sorted. Default none. */
  readonly hostPaths?: readonly string[];
  /** Its volumes, and the paths of the host that it may write to. Absent: the lock was made before they were recorded. */
  readonly mounts?: readonly StateMount[];
  /** What it publishes on the host. Default nothing. */
  readonly ports?: readonly PublishedPort[];
  /** Rights over the whole host, which a site has to allow by name, sorted. Default none. */
  readonly needs?: readonly HostRight[];
}

/** A file or folder of the project in a container. */
export interface ProjectBind {
  /** Path in the project: `conf/nginx.conf`. */
  readonly source: string;
  /** Path in the container. */
  readonly target: string;
  /** @default false */
  readonly readOnly?: boolean;
}

/** Where a service may keep state outside its container: a volume, or a path of the host. With neither, a volume without a name. */
export interface StateMount {
  /** Path in the container. */
  readonly target: string;
  /** Name of a volume in the Compose file. */
  readonly volume?: string;
  /** Absolute path of the host. */
  readonly source?: string;
  /** @default false */
  readonly readOnly?: boolean;
}

export interface PublishedPort {
  /** Port of the host, `8080` or `8080-8090`; with variables as they are written, `${PORT:-8080}`. */
  readonly published: string;
  readonly protocol: "tcp" | "udp" | "sctp";
  /** Address of the host. Default all. */
  readonly address?: string;
}

/**
 * Rights over the whole host: with any of them but the last, a container can do what root can do. With `logging`, the engine itself sends
 * what the container prints out of the host, or opens files and sockets of the host for it.
 */
export const hostRights = [
  "docker.sock",
  "privileged",
  "host-cgroup",
  "host-ipc",
  "host-network",
  "host-pid",
  "host-userns",
  "host-uts",
  "devices",
  "runtime",
  "security-options",
  "logging",
] as const;
export type HostRight = (typeof hostRights)[number];

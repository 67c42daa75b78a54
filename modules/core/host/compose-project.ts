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
}

export interface ComposeService {
  readonly name: string;
  /** Full name with registry and tag, as in the lock. */
  readonly image: string;
  /** What it mounts from the project. Default nothing. */
  readonly binds?: readonly ProjectBind[];
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

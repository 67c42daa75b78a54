/** The applications of a site, and which of them a host runs. Pure. */
import type {
  AppBackupSpec,
  AppRestoreSpec,
  AppSecretSpec,
  AppSpec,
  HostSpec,
  StackSpec,
  UpdateBeforeSpec,
} from "./site-spec.ts";
import { parseSeconds } from "./units.ts";

/** An application as the site has it. */
export interface AppFile extends Pick<AppSpec, "name" | "version" | "values" | "allow" | "data"> {
  /** By name: a path alone, or with owner and mode. */
  readonly secrets?: Readonly<Record<string, string | AppSecretSpec>>;
  /** Names of hosts; a class has already been replaced by the names of its hosts. */
  readonly hosts?: readonly string[];
  /** A class that is not defined. */
  readonly class?: string;
  readonly team?: string;
  /** On the swarm of the site, and on no host of its own. */
  readonly on?: "swarm";
  readonly update?: {
    readonly order?: "start-first" | "stop-first";
    readonly parallelism?: number;
    readonly delay?: string;
    readonly monitor?: string;
    readonly failure_action?: "rollback" | "pause";
    readonly timeout?: string;
    readonly before?: UpdateBeforeSpec;
    readonly rehearsed?: string;
  };
  readonly keep?: number;
  readonly backup?: Partial<AppBackupSpec> & Pick<AppBackupSpec, "at">;
  readonly restore?: Partial<AppRestoreSpec> & Pick<AppRestoreSpec, "on">;
}

/** Those that run on this host, in the order of the site. */
export function appsOf(
  apps: readonly AppFile[],
  host: Pick<HostSpec, "name"> & Partial<Pick<HostSpec, "team">>,
): readonly AppSpec[] {
  return apps.filter((app) => runsOn(app, host)).map(appSpec);
}

/** Those that run on the swarm, in the order of the site. */
export function stacksOf(apps: readonly AppFile[]): readonly StackSpec[] {
  return apps
    .filter(({ on }) => on === "swarm")
    .map((app) => {
      const { name, version, values, secrets, allow, keep, update } = appSpec(app);
      const { order, parallelism, delay, monitor, failure_action } = app.update ?? {};
      return {
        ...{ name, version, keep },
        ...(values === undefined ? {} : { values }),
        ...(secrets === undefined ? {} : { secrets }),
        ...(allow === undefined ? {} : { allow }),
        update: {
          ...(order === undefined ? {} : { order }),
          ...(parallelism === undefined ? {} : { parallelism }),
          ...(delay === undefined ? {} : { delay }),
          ...(monitor === undefined ? {} : { monitor }),
          ...(failure_action === undefined ? {} : { failure_action }),
          timeout: update.timeout,
        },
      };
    });
}

function runsOn({ hosts, team, on }: AppFile, host: Parameters<typeof appsOf>[1]): boolean {
  if (on === "swarm") return false;
  if (hosts !== undefined) return hosts.includes(host.name);
  return team === undefined || host.team === team;
}

function appSpec(file: AppFile): AppSpec {
  const { name, version, values, secrets, allow, data, backup, restore, update = {}, keep = 2 } = file;
  return {
    ...{ name, version },
    ...(values === undefined ? {} : { values }),
    ...(secrets === undefined ? {} : { secrets: secretSpecs(secrets) }),
    ...(allow === undefined ? {} : { allow }),
    ...(data === undefined ? {} : { data }),
    ...(backup === undefined ? {} : { backup: { stop: false, dump: {}, ...backup } }),
    ...(restore === undefined ? {} : { restore: { rehearse: "weekly", check: {}, ...restore } }),
    update: {
      // Another order is for a swarm alone.
      order: "stop-first",
      monitor: parseSeconds(update.monitor ?? "30s"),
      failure_action: update.failure_action ?? "rollback",
      timeout: parseSeconds(update.timeout ?? "5m"),
      ...(update.before === undefined ? {} : { before: update.before }),
      ...(update.rehearsed === undefined ? {} : { rehearsed: Number.parseInt(update.rehearsed, 10) }),
    },
    keep,
  };
}

function secretSpecs(secrets: NonNullable<AppFile["secrets"]>): NonNullable<AppSpec["secrets"]> {
  const all = Object.entries(secrets);
  return Object.fromEntries(
    all.map(([name, secret]) => [name, typeof secret === "string" ? { file: secret } : secret]),
  );
}

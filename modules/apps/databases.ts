/** Which databases the services of a release run, as their images say, and which of their data another major version has written. Pure. */
import type { AppDatabase, HostApp } from "../core/host/blob.ts";
import { replacedVolume } from "../core/host/app-data.ts";
import type { ComposeService } from "../core/host/compose-project.ts";
import type { AppSpec } from "../core/site/site-spec.ts";

type Engine = Pick<AppDatabase, "engine" | "major">;

/** What decides whether one version reads the data of another: of MariaDB and MySQL, two numbers. */
const numbers: Readonly<Record<AppDatabase["engine"], RegExp>> = {
  postgresql: /^\d+/,
  mariadb: /^\d+\.\d+/,
  mysql: /^\d+\.\d+/,
  redis: /^\d+/,
};

/** Variables of the official images, and of those that are built on them. */
const variables: readonly (readonly [name: string, engine: AppDatabase["engine"]])[] = [
  ["PG_MAJOR", "postgresql"],
  ["MARIADB_VERSION", "mariadb"],
  ["MYSQL_VERSION", "mysql"],
  ["REDIS_VERSION", "redis"],
];

const officialNames: ReadonlyMap<string, AppDatabase["engine"]> = new Map([
  ["postgres", "postgresql"],
  ["mariadb", "mariadb"],
  ["mysql", "mysql"],
  ["redis", "redis"],
]);

/**
 * @param name of the image: its tag counts where its variables say nothing.
 * @param environment of its config, `NAME=value`.
 * @returns undefined for an image without a database, or of an unknown version.
 */
export function databaseOf(name: string, environment: readonly string[]): Engine | undefined {
  for (const [variable, engine] of variables) {
    const value = environment.find((one) => one.startsWith(`${variable}=`))?.slice(variable.length + 1);
    // MariaDB's is that of its package: 1:11.8.2+maria~ubu2404.
    const major = numbers[engine].exec(value?.replace(/^\d+:/, "") ?? "")?.[0];
    if (major !== undefined) return { engine, major };
  }
  const [base = "", tag = ""] = name.slice(name.lastIndexOf("/") + 1).split(":");
  const engine = officialNames.get(base);
  if (engine === undefined) return undefined;
  const major = numbers[engine].exec(tag)?.[0];
  return major === undefined ? undefined : { engine, major };
}

/** Of the step that compares them. */
export function databasesCode(app: string): string {
  return `apps.${app}.databases`;
}

/** A database with data that outlives its containers, and where that is. */
export interface KeptDatabase extends AppDatabase {
  /** Folder of the host; absent: a volume of the engine. */
  readonly path?: string;
  /** Its name in the Compose file. */
  readonly volume?: string;
}

export function keptDatabases(spec: AppSpec, { project, databases = [] }: HostApp): readonly KeptDatabase[] {
  return databases.flatMap((database) => {
    const service = project.services.find(({ name }) => name === database.service);
    const place = service === undefined ? undefined : placeOf(spec, service);
    return place === undefined ? [] : [{ ...database, ...place }];
  });
}

function placeOf(spec: AppSpec, service: ComposeService): Pick<KeptDatabase, "path" | "volume"> | undefined {
  const path = spec.data?.[service.name]?.path;
  if (path !== undefined && replacedVolume(service, spec) !== undefined) return { path };
  const kept = (service.mounts ?? []).find(
    ({ readOnly, source, volume }) => readOnly !== true && (source ?? volume) !== undefined,
  );
  if (kept?.source !== undefined) return { path: kept.source };
  return kept?.volume === undefined ? undefined : { volume: kept.volume };
}

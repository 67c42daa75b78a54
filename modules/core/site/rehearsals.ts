/** Which host makes backups, and which rehearses whose restores. Pure. */
import { appsOf, type AppFile } from "./apps.ts";
import { type BackedHost, type BackupsFile, repositoryOn } from "./backups.ts";
import type { RegistryFile } from "./registry.ts";
import type { SwarmFile } from "./swarm.ts";
import type { AppSpec, HostSpec, RehearsalSpec } from "./site-spec.ts";

interface Rehearsing {
  readonly apps?: readonly AppFile[];
  readonly backups?: BackupsFile;
  readonly registry?: RegistryFile;
  readonly swarm?: Pick<SwarmFile, "managers">;
  readonly hosts: readonly Pick<HostSpec, "name" | "address" | "team">[];
}

/** The hosts of a site, and what of them is backed up. */
export function backedHosts({
  apps = [],
  backups,
  hosts,
  registry,
  swarm,
}: Rehearsing): readonly BackedHost[] {
  const registries = backups?.registry === undefined ? [] : (registry?.hosts ?? []);
  const managers = backups?.swarm === undefined ? [] : (swarm?.managers ?? []);
  return hosts.map((host) => {
    const isRegistry = registries.some(({ name }) => name === host.name);
    const isManager = managers.includes(host.name);
    return {
      ...{ name: host.name, address: host.address },
      backed: isRegistry || isManager || appsOf(apps, host).some(({ backup }) => backup !== undefined),
      registry: isRegistry,
      ...(isManager ? { swarm: true } : {}),
    };
  });
}

/** The applications whose restore is rehearsed on a host. */
export function rehearsalsOf(
  { apps = [], backups, hosts }: Rehearsing,
  host: string,
): { readonly rehearsals?: readonly RehearsalSpec[] } {
  if (backups === undefined) return {};
  const rehearsals = hosts.flatMap((of) =>
    appsOf(apps, of).flatMap((app) =>
      app.restore?.on === host && app.backup !== undefined
        ? [{ of: of.name, app, repository: repositoryOn(backups, host, of.name) }]
        : [],
    ),
  );
  return rehearsals.length === 0 ? {} : { rehearsals };
}

/** Folder on a store into which an application is restored for a rehearsal: nothing else is in it. */
export function rehearsalFolder(mount: string, app: string): string {
  return `${mount}/rehearsal/${app}`;
}

/** The application as it is rehearsed: with its data in the scratch folder of a store. */
export function inScratch(app: AppSpec, mount: string): AppSpec {
  const data = Object.entries(app.data ?? {}).map(([service, folder]) => {
    const path = `${rehearsalFolder(mount, app.name)}/data/${service}`;
    return [service, { ...folder, path }] as const;
  });
  return { ...app, data: Object.fromEntries(data) };
}

/** What a host backs up: its applications, and as if they were more of them its registry, the receipts of the site and its swarm. Pure. */
import type { AppSpec, HostSpec } from "./site-spec.ts";
import { keepsUnlockKey } from "./swarm.ts";

/** The name under which the registry of a host is backed up: no application can have it. */
export const registryBackup = "_registry";

/** The same for the signed receipts of runs. */
export const receiptsBackup = "_receipts";

/** The same for what a manager knows of its swarm. */
export const swarmBackup = "_swarm";

export type BackedApp = AppSpec & Required<Pick<AppSpec, "backup">>;

export function isBacked(app: AppSpec): app is BackedApp {
  return app.backup !== undefined;
}

/** No application: nothing of the engine runs it, and nothing has to stop. */
export function isOwnBackup(name: string): boolean {
  return name === registryBackup || name === receiptsBackup || name === swarmBackup;
}

/** In the order of the site; registry, receipts and swarm come last. */
export function backedApps({
  apps,
  backup,
  registry,
  ...host
}: Pick<HostSpec, "apps"> &
  Partial<Pick<HostSpec, "backup" | "registry" | "swarm" | "engine" | "daemon">>): readonly BackedApp[] {
  const own = apps.filter(isBacked);
  const { serves } = registry ?? {};
  const common = {
    keep: 0,
    update: { order: "stop-first", monitor: 0, failure_action: "pause", timeout: 300 },
  } as const;
  const content: readonly BackedApp[] =
    backup?.registry === undefined || serves === undefined
      ? []
      : [
          {
            ...{ ...common, name: registryBackup, version: serves.version },
            // What lies beside them arrives again: it is on its way into the registry.
            data: {
              bundles: { path: `${serves.mount}/bundles`, owner: "root:root" },
              storage: { path: `${serves.mount}/storage`, owner: "sealift-registry:sealift-registry" },
            },
            backup: { ...backup.registry, stop: false, dump: {} },
          },
        ];
  const receipts: readonly BackedApp[] =
    backup?.receipts === undefined
      ? []
      : [
          {
            ...{ ...common, name: receiptsBackup, version: "none" },
            data: { receipts: { path: "/var/lib/sealift/receipts", owner: "root:root" } },
            backup: { ...backup.receipts, stop: false, dump: {} },
          },
        ];
  const { swarm, engine, daemon } = host;
  const manager: readonly BackedApp[] =
    backup?.swarm === undefined || swarm === undefined || daemon === undefined
      ? []
      : [
          {
            ...{ ...common, name: swarmBackup, version: engine?.version ?? "none" },
            data: {
              swarm: { path: `${daemon["data-root"]}/swarm`, owner: "root:root" },
              // Without it, the first cannot be read.
              ...(keepsUnlockKey(swarm)
                ? { "unlock-key": { path: "/var/lib/sealift/swarm-unlock", owner: "root:root" } }
                : {}),
            },
            backup: { ...backup.swarm, stop: false, dump: {} },
          },
        ];
  return [...own, ...content, ...receipts, ...manager];
}

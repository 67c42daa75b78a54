/** What a host backs up: its applications, and as if they were more of them its registry and the receipts of the site. Pure. */
import type { AppSpec, HostSpec } from "./site-spec.ts";

/** The name under which the registry of a host is backed up: no application can have it. */
export const registryBackup = "_registry";

/** The same for the signed receipts of runs. */
export const receiptsBackup = "_receipts";

export type BackedApp = AppSpec & Required<Pick<AppSpec, "backup">>;

export function isBacked(app: AppSpec): app is BackedApp {
  return app.backup !== undefined;
}

/** No application: nothing of the engine runs it, and nothing has to stop. */
export function isOwnBackup(name: string): boolean {
  return name === registryBackup || name === receiptsBackup;
}

/** In the order of the site; registry and receipts come last. */
export function backedApps({
  apps,
  backup,
  registry,
}: Pick<HostSpec, "apps"> & Partial<Pick<HostSpec, "backup" | "registry">>): readonly BackedApp[] {
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
  return [...own, ...content, ...receipts];
}

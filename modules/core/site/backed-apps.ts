/** What a host backs up: its applications, and its registry as if it were one more. Pure. */
import type { AppSpec, HostSpec } from "./site-spec.ts";

/** The name under which the registry of a host is backed up: no application can have it. */
export const registryBackup = "_registry";

export type BackedApp = AppSpec & Required<Pick<AppSpec, "backup">>;

export function isBacked(app: AppSpec): app is BackedApp {
  return app.backup !== undefined;
}

/** In the order of the site; the registry comes last. */
export function backedApps({
  apps,
  backup,
  registry,
}: Pick<HostSpec, "apps"> & Partial<Pick<HostSpec, "backup" | "registry">>): readonly BackedApp[] {
  const own = apps.filter(isBacked);
  const { serves } = registry ?? {};
  if (backup?.registry === undefined || serves === undefined) return own;
  const { mount, version } = serves;
  return [
    ...own,
    {
      ...{ name: registryBackup, version, keep: 0 },
      // What lies beside them arrives again: it is on its way into the registry.
      data: {
        bundles: { path: `${mount}/bundles`, owner: "root:root" },
        storage: { path: `${mount}/storage`, owner: "sealift-registry:sealift-registry" },
      },
      backup: { ...backup.registry, stop: false, dump: {} },
      update: { order: "stop-first", monitor: 0, failure_action: "pause", timeout: 300 },
    },
  ];
}

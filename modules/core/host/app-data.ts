/** Which volumes of a Compose project the folders of a site take the place of. Pure. */
import type { AppSpec } from "../site/site-spec.ts";
import type { ComposeProject, ComposeService, StateMount } from "./compose-project.ts";

type DataOf = Pick<AppSpec, "data" | "backup" | "allow">;

/** A folder of the host in a container, in place of a volume. */
export interface DataBind {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/**
 * Where a service may keep state: without what the site leaves out of backups, and without paths such as the engine's socket that it
 * allows by name.
 */
export function stateMountsOf(
  { mounts = [] }: Pick<ComposeService, "mounts">,
  { backup, allow = [] }: DataOf,
): readonly StateMount[] {
  const { without = [] } = backup ?? {};
  return mounts.filter(({ volume, source, readOnly = false }) => {
    if (readOnly || (volume !== undefined && without.includes(volume))) return false;
    if (source === undefined) return true;
    return !without.includes(source) && !allow.includes(source) && !source.endsWith("/docker.sock");
  });
}

/** The one volume that the folder of a service takes the place of; undefined where there is not exactly one. */
export function replacedVolume(service: ComposeService, app: DataOf): StateMount | undefined {
  const [mount, ...others] = stateMountsOf(service, app);
  return others.length === 0 && mount?.source === undefined ? mount : undefined;
}

/** By the name of the service: a volume that several services mount is replaced in all of them. */
export function dataBindsOf(
  { services }: Pick<ComposeProject, "services">,
  app: DataOf,
): ReadonlyMap<string, readonly DataBind[]> {
  const binds = new Map<string, readonly DataBind[]>();
  for (const [name, { path }] of Object.entries(app.data ?? {})) {
    const owner = services.find((one) => one.name === name);
    const replaced = owner === undefined ? undefined : replacedVolume(owner, app);
    if (replaced === undefined) continue;
    for (const service of services)
      for (const mount of service.mounts ?? []) {
        const same = replaced.volume !== undefined && mount.volume === replaced.volume;
        if (mount !== replaced && !same) continue;
        const bind = { source: path, target: mount.target, readOnly: mount.readOnly ?? false };
        binds.set(service.name, [...(binds.get(service.name) ?? []), bind]);
      }
  }
  return binds;
}

/** Services that mount a folder of data for writing: in place of their volume, or as a path of the host. Sorted by name, as the lock is. */
export function writersOf(project: Pick<ComposeProject, "services">, app: DataOf): readonly string[] {
  const folders = Object.values(app.data ?? {}).map(({ path }) => path);
  const binds = dataBindsOf(project, app);
  const writes = ({ name, mounts = [] }: ComposeService): boolean =>
    (binds.get(name) ?? []).some(({ readOnly }) => !readOnly) ||
    mounts.some(
      ({ source, readOnly = false }) => source !== undefined && !readOnly && folders.some(isIn(source)),
    );
  return project.services.filter(writes).map(({ name }) => name);
}

/** Whether one of the two paths is, or contains, the other. */
function isIn(source: string): (folder: string) => boolean {
  const top = source.endsWith("/") ? source : `${source}/`;
  return (folder) => `${folder}/`.startsWith(top) || top.startsWith(`${folder}/`);
}

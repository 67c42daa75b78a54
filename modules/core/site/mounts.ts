/** Where a host keeps its data: on the volumes that Sealift creates, and on existing mounts. Pure. */
import type { ExistingMountSpec, HostSpec, LogicalVolumeSpec, UserSpec, VolumesSpec } from "./site-spec.ts";

/** All mounts of a host in the site; of these, only volumes have a name and a size. */
export function mountsOf({
  logicalVolumes = [],
  existing = [],
}: Partial<VolumesSpec>): readonly (LogicalVolumeSpec | ExistingMountSpec)[] {
  return [...existing, ...logicalVolumes];
}

/** The mount that contains a path: the longest one that equals the path or is a parent of it. */
export function mountOf<T extends { readonly mount: string }>(
  path: string,
  mounts: readonly T[],
): T | undefined {
  return mounts
    .filter(({ mount }) => path === mount || path.startsWith(`${mount}/`))
    .toSorted((one, other) => other.mount.length - one.mount.length)[0];
}

/** Folder of all applications on a host: on the volume for services, where the site has one. */
export function appsFolder(volumes: HostSpec["volumes"]): string {
  return mountOf("/svc/apps", mountsOf(volumes)) === undefined ? "/var/lib/sealift/apps" : "/svc/apps";
}

/** The home of a user. */
export function homeOf({ name, home = `/home/${name}` }: Pick<UserSpec, "name" | "home">): string {
  return home;
}

/** The places from which programs of containers and of users are run, and their names. */
export function programPlaces({
  daemon,
  users,
}: {
  readonly daemon: Partial<HostSpec["daemon"]>;
  readonly users: readonly UserSpec[];
}): readonly { readonly what: string; readonly where: string }[] {
  const root = daemon["data-root"];
  return [
    ...(root === undefined ? [] : [{ what: "data-root", where: root }]),
    ...users.map((user) => ({ what: `the home of ${user.name}`, where: homeOf(user) })),
  ];
}

/** Where a host keeps things: on the volumes that Sealift makes, and on mounts that others have laid out. Pure. */
import type { ExistingMountSpec, HostSpec, LogicalVolumeSpec, UserSpec, VolumesSpec } from "./site-spec.ts";

/** All mounts that the site names on a host; of these only volumes have a name and a size. */
export function mountsOf({
  logical = [],
  existing = [],
}: Partial<VolumesSpec>): readonly (LogicalVolumeSpec | ExistingMountSpec)[] {
  return [...existing, ...logical];
}

/** The one that holds a path: the longest that the path is at or below. */
export function mountOf<T extends { readonly mount: string }>(
  path: string,
  mounts: readonly T[],
): T | undefined {
  return mounts
    .filter(({ mount }) => path === mount || path.startsWith(`${mount}/`))
    .toSorted((one, other) => other.mount.length - one.mount.length)[0];
}

/** Where a user lives. */
export function homeOf({ name, home = `/home/${name}` }: Pick<UserSpec, "name" | "home">): string {
  return home;
}

/** From where programs of containers and of people are run, and what that is. */
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

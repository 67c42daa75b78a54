/** Where a host keeps things: on the volumes that Sealift makes, and on mounts that others have laid out. Pure. */
import type { ExistingMountSpec, LogicalVolumeSpec, VolumesSpec } from "./site-spec.ts";

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

/** A lab site of several guests on a network segment of their own, with a registry on the first of them. */
import { defaultMirroredRegistries } from "../../../modules/core/site/registry.ts";
import type { LabBundle } from "../bundle/bundle.ts";
import { removeGuest, startGuest, type Guest } from "../guest.ts";
import { joinSegment, type Segment } from "../guest-segment.ts";
import { portedSource } from "../bundle/image-kinds.ts";
import type { MachineNeed } from "../machine-choice.ts";
import { labSite, type LabSite } from "../pulumi/stack.ts";

/** What hosts of the site call their registry. */
export const segmentRegistry = "registry.site";

/** Guests, and the segment that they are on. */
export interface JoinedGuests {
  readonly guests: readonly Guest[];
  readonly segment: Segment;
}

/**
 * Pristine guests of these names, each with an address of the segment.
 * @param machine `vm(<why>)` with blank disks, or `container("/registry", "/data")`.
 */
export async function startSegment(
  names: readonly string[],
  machine: MachineNeed,
): Promise<readonly Guest[]> {
  return (await startJoined(names, machine)).guests;
}

/** The same, for a test that starts some of them again. */
export async function startJoined(names: readonly string[], machine: MachineNeed): Promise<JoinedGuests> {
  for (const name of names) await removeGuest(name);
  const guests = await Promise.all(names.map((name) => startGuest({ name, machine })));
  const joined = guests.map((guest, index) => ({ guest, address: `${addressOf(index)}/24` }));
  const [first, ...others] = joined;
  if (first === undefined) throw new Error("a segment without a guest");
  return { guests, segment: await joinSegment(first, ...others) };
}

/**
 * Every host has room for a registry, the containerd image store, and the engine that is the bundle's first.
 * @param serving how many of the guests, from the first on, run the registry.
 */
export async function segmentSite(
  guests: readonly Guest[],
  bundle: LabBundle,
  serving: number,
): Promise<LabSite> {
  const site = await labSite(guests, bundle);
  delete site.daemon["storage-driver"];
  site.daemon["features"] = { "containerd-snapshotter": true };
  if (site.volumes.logicalVolumes !== undefined)
    site.volumes.logicalVolumes = [
      { name: "registry", size: "2GiB", filesystem: "xfs", mount: "/registry" },
      { name: "data", size: "4GiB", filesystem: "xfs", mount: "/data" },
    ];
  const hosts = guests.slice(0, serving).map(({ name }, index) => ({ name, address: addressOf(index) }));
  const mirroredRegistries = [...defaultMirroredRegistries, portedSource];
  site.registry = {
    name: segmentRegistry,
    version: bundle.registry ?? "",
    mount: "/registry",
    hosts,
    mirroredRegistries,
  };
  return site;
}

/** IPv4 address of a guest on its segment. @param index from 0 on, in the order in which they were started. */
export function addressOf(index: number): string {
  return `10.9.0.${index + 1}`;
}

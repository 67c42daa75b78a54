/** One volume group on one disk and its volumes, as facts. */
import type { LogicalVolumeSpec, VolumesSpec } from "../core/site.ts";
import type { Step } from "../core/step.ts";
import { parseGiB } from "../core/units.ts";

/** The group first, then each volume whole: made, formatted, mounted. */
export function volumeSteps({ disk, group, logical }: VolumesSpec): readonly Step[] {
  return [
    {
      code: "volumes.group",
      fact: `volume group ${group} is on ${disk}`,
      effect: "none",
      call: ["volume_group", group, disk],
    },
    ...logical.flatMap((volume) => stepsOfVolume(group, volume)),
  ];
}

function stepsOfVolume(group: string, { name, size, filesystem = "xfs", mount }: LogicalVolumeSpec): Step[] {
  const sizeGiB = parseGiB(size);
  return [
    {
      code: `volumes.${name}`,
      fact: `volume ${group}/${name} is ${sizeGiB} GiB`,
      effect: "none",
      call: ["logical_volume", group, name, String(sizeGiB)],
    },
    {
      code: `volumes.${name}.filesystem`,
      fact: `volume ${group}/${name} carries ${filesystem} of its full size`,
      effect: "none",
      call: ["file_system", group, name, filesystem],
    },
    {
      code: `volumes.${name}.mount`,
      fact: `volume ${group}/${name} is mounted at ${mount} by systemd`,
      effect: "none",
      call: ["mount", group, name, mount, filesystem],
    },
  ];
}

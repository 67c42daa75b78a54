/** Mounts of others, one volume group on its disks, its volumes, and the journal on a mount, as facts. */
import { mountOf, mountsOf, programPlaces } from "../core/mounts.ts";
import { ownerIds } from "../core/owner.ts";
import type {
  DiskSpec,
  ExistingMountSpec,
  HostSpec,
  JournalSpec,
  LogicalVolumeSpec,
  VolumesSpec,
} from "../core/site-spec.ts";
import type { Step } from "../core/step.ts";
import { parseGiB, parseMiB, parsePercentFree } from "../core/units.ts";

/**
 * What others have laid out first: it refuses before anything is changed. Then the group, then each volume whole: made, formatted,
 * mounted, owned; the journal when its mount is there.
 */
export function volumeSteps(host: Pick<HostSpec, "volumes" | "users" | "daemon">): readonly Step[] {
  const { volumes, users } = host;
  const { disk, group, logical, existing = [], journal } = volumes;
  return [
    ...existing.flatMap((mount) => existingSteps(mount, usesOf(mount, host))),
    ...(disk === undefined ? [] : [groupStep({ ...volumes, disk })]),
    ...logical.flatMap((volume) => [
      ...stepsOfVolume(group, volume),
      ...rootSteps(volume, volume.owner === undefined ? undefined : ownerIds(volume.owner, users)),
    ]),
    ...(journal === undefined ? [] : [journalStep(journal)]),
  ];
}

function groupStep({
  disk,
  serial,
  moreDisks = [],
  group,
  logical,
}: VolumesSpec & Pick<DiskSpec, "disk">): Step {
  const disks = [{ disk, serial }, ...moreDisks];
  const sizes = logical.map(({ name, size }) => `${name}:${sizeArgument(size)}`);
  return {
    code: "volumes.group",
    fact: `volume group ${group} is on ${disks.map((one) => one.disk).join(" and ")}, with room for its volumes`,
    effect: "none",
    call: [
      "volume_group",
      group,
      sizes.join(","),
      ...disks.map((one) => (one.serial === undefined ? one.disk : `${one.disk},${one.serial}`)),
    ],
  };
}

/** What the host asks of the options of a mount that it uses. */
interface Uses {
  /** Programs are run from there. */
  readonly runs: boolean;
  /** The engine bounds containers there by project quotas. */
  readonly quota: boolean;
}

function usesOf(mount: ExistingMountSpec, host: Pick<HostSpec, "volumes" | "users" | "daemon">): Uses {
  const mounts = mountsOf(host.volumes);
  const root = host.daemon["data-root"];
  const options = host.daemon["storage-opts"];
  return {
    runs: programPlaces(host).some(({ where }) => mountOf(where, mounts) === mount),
    quota: Array.isArray(options) && options.length > 0 && mountOf(root, mounts) === mount,
  };
}

/** Their codes end with the path: its slash is in the name of no volume. */
function existingSteps({ mount, filesystem, minFree }: ExistingMountSpec, { runs, quota }: Uses): Step[] {
  const step = (aspect: string, fact: string, ...call: Step["call"]): Step => ({
    code: `volumes.${aspect}.${mount}`,
    fact,
    effect: "none",
    call,
  });
  const kinds = { xfs: "is xfs with ftype=1", ext4: "is ext4" };
  const kind = filesystem === undefined ? "outlives a boot, and an xfs has ftype=1" : kinds[filesystem];
  const file = `the file system at ${mount} ${kind}`;
  const options = [
    "can be written",
    ...(runs ? ["runs programs"] : []),
    ...(quota ? ["has project quotas"] : []),
  ];
  const mib = minFree === undefined ? undefined : String(parseMiB(minFree));
  return [
    step("existing", `${mount} is a mount of its own`, "existing_mount", mount),
    step("filesystem", file, "existing_file_system", mount, filesystem ?? "any"),
    step(
      "options",
      `${mount} ${options.join(" and ")}`,
      "existing_options",
      mount,
      ["rw", ...(runs ? ["exec"] : []), ...(quota ? ["prjquota"] : [])].join(","),
    ),
    step("boot", `systemd mounts ${mount} at every boot`, "existing_boot", mount),
    ...(mib === undefined
      ? []
      : [step("space", `${mib} MiB are available at ${mount}`, "existing_space", mount, mib)]),
  ];
}

function stepsOfVolume(group: string, volume: LogicalVolumeSpec): Step[] {
  const { name, size, filesystem = "xfs", mount, options = ["nodev"], mode } = volume;
  const percent = parsePercentFree(size);
  return [
    {
      code: `volumes.${name}`,
      fact:
        percent === undefined
          ? `volume ${group}/${name} is ${parseGiB(size)} GiB`
          : `volume ${group}/${name} exists, made of ${percent} % of what was free`,
      effect: "none",
      call: ["logical_volume", group, name, sizeArgument(size)],
    },
    {
      code: `volumes.${name}.filesystem`,
      fact: `volume ${group}/${name} carries ${filesystem} of its full size`,
      effect: "none",
      call: ["file_system", group, name, filesystem],
    },
    {
      code: `volumes.${name}.mount`,
      fact: `volume ${group}/${name} is mounted at ${mount} by systemd (${options.join(", ") || "no options"})`,
      effect: "none",
      call: [
        "mount",
        group,
        name,
        mount,
        filesystem,
        mountOptions(options),
        ...(mode === undefined ? [] : ["mode"]),
      ],
    },
  ];
}

function rootSteps({ name, mount, mode }: LogicalVolumeSpec, ids: string | undefined): Step[] {
  if (ids === undefined && mode === undefined) return [];
  const words = [ids === undefined ? [] : `belongs to ${ids}`, mode === undefined ? [] : `has mode ${mode}`];
  return [
    {
      code: `volumes.${name}.root`,
      fact: `the top directory of ${mount} ${words.flat().join(" and ")}`,
      effect: "none",
      call: ["mount_root", mount, ids ?? "-", mode ?? "-"],
    },
  ];
}

function journalStep({ mount, maxUse, keepFree, maxRetentionDays }: JournalSpec): Step {
  const keepMiB = keepFree === undefined ? "-" : String(parseMiB(keepFree));
  const words = [
    `at most ${parseMiB(maxUse)} MiB`,
    ...(keepFree === undefined ? [] : [`${keepMiB} MiB of the volume left free`]),
    ...(maxRetentionDays === undefined ? [] : [`at most ${maxRetentionDays} days`]),
  ];
  return {
    code: "volumes.journal",
    fact: `journald keeps its files in ${mount}/journal, ${words.join(", ")}`,
    effect: "none",
    call: [
      "journal_storage",
      mount,
      String(parseMiB(maxUse)),
      keepMiB,
      maxRetentionDays === undefined ? "-" : String(maxRetentionDays),
    ],
  };
}

function sizeArgument(size: string): string {
  const percent = parsePercentFree(size);
  return percent === undefined ? String(parseGiB(size)) : `${percent}%`;
}

/** All four pairs in full: a remount keeps what is not said. */
function mountOptions(options: readonly string[]): string {
  const inverse = { nodev: "dev", nosuid: "suid", noexec: "exec", noatime: "relatime" };
  return Object.entries(inverse)
    .map(([option, otherwise]) => (options.includes(option) ? option : otherwise))
    .join(",");
}

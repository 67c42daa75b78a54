/** Existing mounts, one volume group on its disks, its volumes, and the journal on a mount, as facts. */
import { mountOf, mountsOf, programPlaces } from "../core/site/mounts.ts";
import { ownerIds } from "../core/site/owner.ts";
import type {
  DiskSpec,
  ExistingMountSpec,
  HostSpec,
  JournalSpec,
  LogicalVolumeSpec,
} from "../core/site/site-spec.ts";
import type { Step } from "../core/host/step.ts";
import { parseGiB, parseMiB, parsePercentFree } from "../core/site/units.ts";

/**
 * Existing mounts first: they can refuse before anything is changed. Then the group, then each volume completely: created,
 * formatted, mounted, owned; the journal as soon as its mount is there.
 */
export function volumeSteps(host: Pick<HostSpec, "volumes" | "users" | "daemon">): readonly Step[] {
  const { volumes, users } = host;
  const { disks = [], group, logicalVolumes, existing = [], journal } = volumes;
  return [
    ...existing.flatMap((mount) => existingSteps(mount, usesOf(mount, host))),
    ...(disks.length === 0 ? [] : [groupStep(group, disks, logicalVolumes)]),
    ...logicalVolumes.flatMap((volume) => [
      ...stepsOfVolume(group, volume),
      ...rootSteps(volume, volume.owner === undefined ? undefined : ownerIds(volume.owner, users)),
    ]),
    ...(journal === undefined ? [] : [journalStep(journal)]),
  ];
}

function groupStep(
  group: string,
  disks: readonly DiskSpec[],
  logicalVolumes: readonly LogicalVolumeSpec[],
): Step {
  const sizes = logicalVolumes.map(({ name, size }) => `${name}:${sizeArgument(size)}`);
  return {
    code: "volumes.group",
    fact: `volume group ${group} is on ${disks.map(({ id }) => id).join(" and ")}, with space for its volumes`,
    effect: "none",
    call: [
      "volume_group",
      group,
      sizes.join(","),
      ...disks.map(({ id, serial }) => (serial === undefined ? id : `${id},${serial}`)),
    ],
  };
}

/** What the host requires of the options of a mount. */
interface Uses {
  /** Programs are run from there. */
  readonly runs: boolean;
  /** The engine limits containers there with project quotas. */
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

/** Their codes end with the path, whose slash cannot be in the name of a volume. */
function existingSteps({ mount, filesystem, minFree }: ExistingMountSpec, { runs, quota }: Uses): Step[] {
  const step = (aspect: string, fact: string, ...call: Step["call"]): Step => ({
    code: `volumes.${aspect}.${mount}`,
    fact,
    effect: "none",
    call,
  });
  const kinds = { xfs: "is xfs with ftype=1", ext4: "is ext4" };
  const kind =
    filesystem === undefined ? "survives a reboot, and has ftype=1 if it is xfs" : kinds[filesystem];
  const file = `the file system at ${mount} ${kind}`;
  const options = [
    "is writable",
    ...(runs ? ["allows programs to run"] : []),
    ...(quota ? ["has project quotas"] : []),
  ];
  const mib = minFree === undefined ? undefined : String(parseMiB(minFree));
  return [
    step("existing", `${mount} is a separate mount`, "existing_mount", mount),
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
          : `volume ${group}/${name} exists, created from ${percent} % of the free space`,
      effect: "none",
      call: ["logical_volume", group, name, sizeArgument(size)],
    },
    {
      code: `volumes.${name}.filesystem`,
      fact: `volume ${group}/${name} has a ${filesystem} file system of its full size`,
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
      code: `volumes.${name}.ownership`,
      fact: `the top directory of ${mount} ${words.flat().join(" and ")}`,
      effect: "none",
      call: ["mount_ownership", mount, ids ?? "-", mode ?? "-"],
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

/** All four pairs explicitly: a remount keeps options that are not given. */
function mountOptions(options: readonly string[]): string {
  const inverse = { nodev: "dev", nosuid: "suid", noexec: "exec", noatime: "relatime" };
  return Object.entries(inverse)
    .map(([option, otherwise]) => (options.includes(option) ? option : otherwise))
    .join(",");
}

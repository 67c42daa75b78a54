/** Rules for volumes: of the section as written, and of a host after inheritance. */
import type { Problem } from "../../errors.ts";
import type { Path } from "../../document/locate.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import { shown } from "../../shown.ts";
import type { LogicalVolumeSpec } from "../site-spec.ts";
import { parsePercentFree } from "../units.ts";
import { duplicates, written, type ProblemBuilder } from "./problem-builder.ts";
import { volumeUseProblems } from "./volume-use.ts";

export function volumeProblems(
  file: SiteFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): readonly Problem[] {
  return [
    ...written(file, "volumes").flatMap(([path, { logicalVolumes = [], existing = [] }]) => [
      ...listProblems(logicalVolumes, [...path, "logicalVolumes"], problemAt),
      ...duplicates(existing, [...path, "existing"], "mount", problemAt),
    ]),
    ...hosts.flatMap((host, index) => [
      ...emptyProblems(host, ["hosts", index, "volumes"], problemAt),
      ...nameProblems(host, ["hosts", index, "volumes"], problemAt),
      ...existingProblems(host, ["hosts", index, "volumes"], problemAt),
      ...diskProblems(host, ["hosts", index, "volumes"], problemAt),
      ...volumeUseProblems(host, ["hosts", index, "volumes"], problemAt),
    ]),
  ];
}

function listProblems(
  volumes: readonly LogicalVolumeSpec[],
  path: Path,
  problemAt: ProblemBuilder,
): Problem[] {
  return [
    ...duplicates(volumes, path, "name", problemAt),
    ...duplicates(volumes, path, "mount", problemAt),
    ...percentProblems(volumes, path, problemAt),
    ...orderProblems(volumes, path, problemAt),
  ];
}

/** Free space is known only after all volumes of a fixed size, and 100 % of it leaves nothing. */
function percentProblems(
  volumes: readonly LogicalVolumeSpec[],
  path: Path,
  problemAt: ProblemBuilder,
): Problem[] {
  return volumes.flatMap(({ size }, index) => {
    const percent = parsePercentFree(size);
    const behind = volumes.slice(index + 1);
    if (percent === undefined || behind.length === 0) return [];
    const at = [...path, index, "size"];
    const fixed = behind.find((volume) => parsePercentFree(volume.size) === undefined);
    if (fixed !== undefined) {
      const expected = `a percentage after all volumes with a fixed size (${fixed.name}: ${fixed.size})`;
      return [problemAt(at, "E_VALUE", shown(size), expected, "move it to the end of the list")];
    }
    if (percent < 100) return [];
    const expected = "less than 100%FREE, because another volume follows";
    return [problemAt(at, "E_VALUE", shown(size), expected, "lower the percentage")];
  });
}

/** Volumes are mounted in the order of the list, and a mount hides what is below it. */
function orderProblems(
  volumes: readonly LogicalVolumeSpec[],
  path: Path,
  problemAt: ProblemBuilder,
): Problem[] {
  return volumes.flatMap(({ mount }, index) => {
    const above = volumes.slice(index + 1).find((other) => mount.startsWith(`${other.mount}/`));
    if (above === undefined) return [];
    const expected = `${above.mount} before the mounts below it`;
    return [
      problemAt([...path, index, "mount"], "E_VALUE", shown(mount), expected, `move it after ${above.name}`),
    ];
  });
}

/** Step codes that do not belong to a volume begin with these. */
function nameProblems({ volumes }: MergedHost, path: Path, problemAt: ProblemBuilder): Problem[] {
  const { logicalVolumes = [], journal } = volumes;
  const reserved = ["group", ...(journal === undefined ? [] : ["journal"])];
  return logicalVolumes.flatMap(({ name }, index) => {
    const bad = (expected: string): Problem[] => [
      problemAt(
        [...path, "logicalVolumes", index, "name"],
        "E_VALUE",
        shown(name),
        expected,
        "choose another name",
      ),
    ];
    if (reserved.includes(name)) return bad(`a name other than ${reserved.join(", ")}, which step codes use`);
    return lvmsOwn.test(name) ? bad("a name that LVM does not reserve for internal volumes") : [];
  });
}

/** lvm(8), VALID NAMES (2.03.31). */
const lvmsOwn =
  /^(snapshot|pvmove)|_(cdata|cmeta|corig|cpool|cvol|imeta|iorig|mimage|mlog|pmspare|rimage|rmeta|tdata|tmeta|vdata|vorigin|wcorig)/;

/** An empty list means that others manage all storage of the host. */
function emptyProblems({ volumes }: MergedHost, path: Path, problemAt: ProblemBuilder): Problem[] {
  const { disks, logicalVolumes, existing = [] } = volumes;
  if (logicalVolumes === undefined || logicalVolumes.length > 0) return [];
  const expected = "no disks without volumes";
  const fix = "remove the disks, or define volumes on them";
  return [
    ...(existing.length > 0
      ? []
      : [
          problemAt(
            [...path, "logicalVolumes"],
            "E_VALUE",
            "[]",
            "logical volumes or existing mounts",
            "add logicalVolumes or existing",
          ),
        ]),
    ...(disks === undefined
      ? []
      : [problemAt([...path, "disks"], "E_CONFLICT", shown(disks), expected, fix)]),
  ];
}

/** A mount is managed either by others or by Sealift; a new volume would hide a mount below it. */
function existingProblems({ volumes }: MergedHost, path: Path, problemAt: ProblemBuilder): Problem[] {
  const { logicalVolumes = [], existing = [] } = volumes;
  return existing.flatMap(({ mount }, index) => {
    const volume = logicalVolumes.find((one) => mount === one.mount || mount.startsWith(`${one.mount}/`));
    if (volume === undefined) return [];
    const at = [...path, "existing", index, "mount"];
    if (volume.mount === mount) {
      const expected = `a mount other than that of volume ${volume.name}`;
      return [problemAt(at, "E_DUPLICATE", shown(mount), expected, "remove one of the two")];
    }
    const expected = `a mount that volume ${volume.name} (${volume.mount}) does not hide`;
    return [problemAt(at, "E_CONFLICT", shown(mount), expected, "choose another mount point for the volume")];
  });
}

function diskProblems({ volumes }: MergedHost, path: Path, problemAt: ProblemBuilder): Problem[] {
  return duplicates(volumes.disks ?? [], [...path, "disks"], "id", problemAt);
}

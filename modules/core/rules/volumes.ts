/** Rules of volumes: of the section as it is written, and of a host after inheritance. */
import type { Problem } from "../errors.ts";
import type { Path } from "../locate.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import { shown } from "../shown.ts";
import type { LogicalVolumeSpec } from "../site-spec.ts";
import { parsePercentFree } from "../units.ts";
import { duplicates, written, type Say } from "./say.ts";
import { volumeUseProblems } from "./volume-use.ts";

export function volumeProblems(file: SiteFile, hosts: readonly MergedHost[], say: Say): readonly Problem[] {
  return [
    ...written(file, "volumes").flatMap(([path, { logical = [], existing = [] }]) => [
      ...listProblems(logical, [...path, "logical"], say),
      ...duplicates(existing, [...path, "existing"], "mount", say),
    ]),
    ...hosts.flatMap((host, index) => [
      ...emptyProblems(host, ["hosts", index, "volumes"], say),
      ...nameProblems(host, ["hosts", index, "volumes"], say),
      ...existingProblems(host, ["hosts", index, "volumes"], say),
      ...diskProblems(host, ["hosts", index, "volumes"], say),
      ...volumeUseProblems(host, ["hosts", index, "volumes"], say),
    ]),
  ];
}

function listProblems(logical: readonly LogicalVolumeSpec[], path: Path, say: Say): Problem[] {
  return [
    ...duplicates(logical, path, "name", say),
    ...duplicates(logical, path, "mount", say),
    ...percentProblems(logical, path, say),
    ...orderProblems(logical, path, say),
  ];
}

/** What is free is known only behind all volumes of a fixed size, and 100 % of it leave nothing. */
function percentProblems(logical: readonly LogicalVolumeSpec[], path: Path, say: Say): Problem[] {
  return logical.flatMap(({ size }, index) => {
    const percent = parsePercentFree(size);
    const behind = logical.slice(index + 1);
    if (percent === undefined || behind.length === 0) return [];
    const at = [...path, index, "size"];
    const fixed = behind.find((volume) => parsePercentFree(volume.size) === undefined);
    if (fixed !== undefined) {
      const expected = `a percentage behind all volumes that have a size (${fixed.name} has ${fixed.size})`;
      return [say(at, "E_VALUE", shown(size), expected, "move it to the end of the list")];
    }
    if (percent < 100) return [];
    const expected = "less than 100%FREE where another volume follows";
    return [say(at, "E_VALUE", shown(size), expected, "leave something for the others")];
  });
}

/** Volumes are mounted in the order of the list, and a mount hides what is below it. */
function orderProblems(logical: readonly LogicalVolumeSpec[], path: Path, say: Say): Problem[] {
  return logical.flatMap(({ mount }, index) => {
    const above = logical.slice(index + 1).find((other) => mount.startsWith(`${other.mount}/`));
    if (above === undefined) return [];
    const expected = `${above.mount} before what is mounted below it`;
    return [
      say([...path, index, "mount"], "E_VALUE", shown(mount), expected, `move it behind ${above.name}`),
    ];
  });
}

/** The codes of steps that are no volume's begin with these. */
function nameProblems({ volumes }: MergedHost, path: Path, say: Say): Problem[] {
  const { logical = [], journal } = volumes;
  const reserved = ["group", ...(journal === undefined ? [] : ["journal"])];
  return logical.flatMap(({ name }, index) => {
    const bad = (expected: string): Problem[] => [
      say([...path, "logical", index, "name"], "E_VALUE", shown(name), expected, "take another name"),
    ];
    if (reserved.includes(name))
      return bad(`none of ${reserved.join(", ")}, which previews use for other things`);
    return lvmsOwn.test(name) ? bad("a name that LVM does not keep for volumes of its own") : [];
  });
}

/** lvm(8), VALID NAMES (2.03.31). */
const lvmsOwn =
  /^(snapshot|pvmove)|_(cdata|cmeta|corig|cpool|cvol|imeta|iorig|mimage|mlog|pmspare|rimage|rmeta|tdata|tmeta|vdata|vorigin|wcorig)/;

/** An empty list says that others have laid out all storage of the host. */
function emptyProblems({ volumes }: MergedHost, path: Path, say: Say): Problem[] {
  const { disk, moreDisks = [], logical, existing = [] } = volumes;
  if (logical === undefined || logical.length > 0) return [];
  const expected = "no disk where there are no volumes";
  const todo = "remove the disk, or name the volumes that it is for";
  return [
    ...(existing.length > 0
      ? []
      : [
          say(
            [...path, "logical"],
            "E_VALUE",
            "[]",
            "volumes, or existing mounts",
            "add logical or existing",
          ),
        ]),
    ...(disk === undefined ? [] : [say([...path, "disk"], "E_CONFLICT", shown(disk), expected, todo)]),
    ...(moreDisks.length === 0
      ? []
      : [say([...path, "moreDisks"], "E_CONFLICT", shown(moreDisks), expected, todo)]),
  ];
}

/** A mount is laid out by others or by Sealift; one below a volume would be hidden by it when the volume is made. */
function existingProblems({ volumes }: MergedHost, path: Path, say: Say): Problem[] {
  const { logical = [], existing = [] } = volumes;
  return existing.flatMap(({ mount }, index) => {
    const volume = logical.find((one) => mount === one.mount || mount.startsWith(`${one.mount}/`));
    if (volume === undefined) return [];
    const at = [...path, "existing", index, "mount"];
    if (volume.mount === mount) {
      const expected = `another mount than volume ${volume.name} has`;
      return [say(at, "E_DUPLICATE", shown(mount), expected, "remove one of the two")];
    }
    const expected = `a mount that volume ${volume.name} (${volume.mount}) does not hide`;
    return [say(at, "E_CONFLICT", shown(mount), expected, "mount the volume somewhere else")];
  });
}

function diskProblems({ volumes }: MergedHost, path: Path, say: Say): Problem[] {
  const { disk, moreDisks = [] } = volumes;
  const again = moreDisks.findIndex((more) => more.disk === disk);
  const expected = `another disk than ${[...path, "disk"].join(".")} names`;
  const at = [...path, "moreDisks", again, "disk"];
  return [
    ...duplicates(moreDisks, [...path, "moreDisks"], "disk", say),
    ...(again < 0 ? [] : [say(at, "E_DUPLICATE", shown(disk), expected, "remove one of the two")]),
  ];
}

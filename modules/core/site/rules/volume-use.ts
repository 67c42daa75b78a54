/** Rules between volumes and their use by the engine, homes, the journal and owners. */
import type { Problem } from "../../errors.ts";
import type { Path } from "../../document/locate.ts";
import type { MergedHost } from "../merge.ts";
import { homeOf, mountOf, mountsOf, programPlaces } from "../mounts.ts";
import { ownerIds } from "../owner.ts";
import { shown } from "../../shown.ts";
import type { LogicalVolumeSpec } from "../site-spec.ts";
import { parseMiB, parsePercentFree } from "../units.ts";
import type { ProblemBuilder } from "./problem-builder.ts";

export function volumeUseProblems(
  host: MergedHost,
  path: Path,
  problemAt: ProblemBuilder,
): readonly Problem[] {
  const { logicalVolumes = [], existing = [] } = host.volumes;
  return [
    ...existing.flatMap(({ mount }, index) =>
      homeProblems(host, mount, [...path, "existing", index, "mount"], problemAt),
    ),
    ...logicalVolumes.flatMap((volume, index) => [
      ...noexecProblems(host, volume, [...path, "logicalVolumes", index], problemAt),
      ...ownerProblems(host, volume, [...path, "logicalVolumes", index], problemAt),
    ]),
    ...journalProblems(host, [...path, "journal"], problemAt),
  ];
}

/** Programs of containers and of users are run from there. */
function noexecProblems(
  host: MergedHost,
  volume: LogicalVolumeSpec,
  path: Path,
  problemAt: ProblemBuilder,
): Problem[] {
  if (volume.options?.includes("noexec") !== true) return [];
  const mounts = mountsOf(host.volumes);
  const held = programPlaces(host).find(({ where }) => mountOf(where, mounts) === volume);
  if (held === undefined) return [];
  const expected = `no noexec on the volume of ${held.what} (${held.where})`;
  const fix = "remove noexec: programs run from there";
  return [problemAt([...path, "options"], "E_VALUE", shown(volume.options), expected, fix)];
}

/** A home belongs to its user, and others may not write to it: both would change an existing mount. */
function homeProblems(
  { users }: MergedHost,
  mount: string,
  path: Path,
  problemAt: ProblemBuilder,
): Problem[] {
  const user = users.find((one) => homeOf(one) === mount);
  if (user === undefined) return [];
  const expected = `a mount that is not itself the home of ${user.name}: Sealift does not change its owner and mode`;
  return [problemAt(path, "E_CONFLICT", shown(mount), expected, "set home to a directory below it")];
}

function ownerProblems(
  host: MergedHost,
  { owner }: LogicalVolumeSpec,
  path: Path,
  problemAt: ProblemBuilder,
): Problem[] {
  if (owner === undefined || ownerIds(owner, host.users) !== undefined) return [];
  const names = ["root", ...host.users.map(({ name }) => name)].join(", ");
  const expected = `users of this site (${names}), or numbers`;
  return [
    problemAt(
      [...path, "owner"],
      "E_VALUE",
      shown(owner),
      expected,
      'write the numbers, such as "1500:1500"',
    ),
  ];
}

function journalProblems(host: MergedHost, path: Path, problemAt: ProblemBuilder): Problem[] {
  const { journal } = host.volumes;
  const mounts = mountsOf(host.volumes);
  if (journal === undefined || mounts.length === 0) return [];
  const volume = mounts.find(({ mount }) => mount === journal.mount);
  if (volume === undefined) {
    const expected = `a mount of the site (${mounts.map(({ mount }) => mount).join(", ")})`;
    return [
      problemAt(
        [...path, "mount"],
        "E_VALUE",
        shown(journal.mount),
        expected,
        "choose one of these, or add a volume",
      ),
    ];
  }
  if (!("size" in volume) || parsePercentFree(volume.size) !== undefined) return [];
  if (parseMiB(journal.maxUse) < parseMiB(volume.size)) return [];
  const expected = `less than the size of volume ${volume.name} (${volume.size})`;
  return [
    problemAt(
      [...path, "maxUse"],
      "E_VALUE",
      shown(journal.maxUse),
      expected,
      "lower it, or enlarge the volume",
    ),
  ];
}

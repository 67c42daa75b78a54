/** Rules between volumes and what a host keeps on them: the engine, homes, the journal, and who owns them. */
import type { Problem } from "../errors.ts";
import type { Path } from "../locate.ts";
import type { MergedHost } from "../merge.ts";
import { homeOf, mountOf, mountsOf, programPlaces } from "../mounts.ts";
import { ownerIds } from "../owner.ts";
import { shown } from "../shown.ts";
import type { LogicalVolumeSpec } from "../site-spec.ts";
import { parseMiB, parsePercentFree } from "../units.ts";
import type { Say } from "./say.ts";

export function volumeUseProblems(host: MergedHost, path: Path, say: Say): readonly Problem[] {
  const { logical = [], existing = [] } = host.volumes;
  return [
    ...existing.flatMap(({ mount }, index) =>
      homeProblems(host, mount, [...path, "existing", index, "mount"], say),
    ),
    ...logical.flatMap((volume, index) => [
      ...noexecProblems(host, volume, [...path, "logical", index], say),
      ...ownerProblems(host, volume, [...path, "logical", index], say),
    ]),
    ...journalProblems(host, [...path, "journal"], say),
  ];
}

/** Programs of containers and of people are run from there. */
function noexecProblems(host: MergedHost, volume: LogicalVolumeSpec, path: Path, say: Say): Problem[] {
  if (volume.options?.includes("noexec") !== true) return [];
  const mounts = mountsOf(host.volumes);
  const held = programPlaces(host).find(({ where }) => mountOf(where, mounts) === volume);
  if (held === undefined) return [];
  const expected = `no noexec on the volume that holds ${held.what} (${held.where})`;
  const todo = "remove noexec, programs are run from there";
  return [say([...path, "options"], "E_VALUE", shown(volume.options), expected, todo)];
}

/** A home belongs to its user, and others may not write into it: both would change what others have laid out. */
function homeProblems({ users }: MergedHost, mount: string, path: Path, say: Say): Problem[] {
  const user = users.find((one) => homeOf(one) === mount);
  if (user === undefined) return [];
  const expected = `a mount that is not itself the home of ${user.name}: it is never given an owner or a mode`;
  return [say(path, "E_CONFLICT", shown(mount), expected, "take a folder below it as the home")];
}

function ownerProblems(host: MergedHost, { owner }: LogicalVolumeSpec, path: Path, say: Say): Problem[] {
  if (owner === undefined || ownerIds(owner, host.users) !== undefined) return [];
  const names = ["root", ...host.users.map(({ name }) => name)].join(", ");
  const expected = `names of this site (${names}), or numbers`;
  return [say([...path, "owner"], "E_VALUE", shown(owner), expected, 'write the numbers, like "1500:1500"')];
}

function journalProblems(host: MergedHost, path: Path, say: Say): Problem[] {
  const { journal } = host.volumes;
  const mounts = mountsOf(host.volumes);
  if (journal === undefined || mounts.length === 0) return [];
  const volume = mounts.find(({ mount }) => mount === journal.mount);
  if (volume === undefined) {
    const expected = `a mount of the site (${mounts.map(({ mount }) => mount).join(", ")})`;
    return [
      say(
        [...path, "mount"],
        "E_VALUE",
        shown(journal.mount),
        expected,
        "name one of these, or add a volume",
      ),
    ];
  }
  if (!("size" in volume) || parsePercentFree(volume.size) !== undefined) return [];
  if (parseMiB(journal.maxUse) < parseMiB(volume.size)) return [];
  const expected = `less than the size of volume ${volume.name} (${volume.size})`;
  return [
    say(
      [...path, "maxUse"],
      "E_VALUE",
      shown(journal.maxUse),
      expected,
      "lower it, or make the volume larger",
    ),
  ];
}

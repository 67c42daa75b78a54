/** Rules of volumes. */
import type { Problem } from "../errors.ts";
import type { Path } from "../locate.ts";
import type { SiteFile } from "../merge.ts";
import type { LogicalVolumeSpec } from "../site.ts";
import { duplicates, written, type Say } from "./say.ts";

export function volumeProblems(file: SiteFile, say: Say): readonly Problem[] {
  return written(file, "volumes").flatMap(([path, { logical }]) =>
    logical === undefined ? [] : listProblems(logical, [...path, "logical"], say),
  );
}

function listProblems(logical: readonly LogicalVolumeSpec[], path: Path, say: Say): Problem[] {
  return [...duplicates(logical, path, "name", say), ...duplicates(logical, path, "mount", say)];
}

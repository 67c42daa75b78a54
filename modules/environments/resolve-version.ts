/** The version that a release series like `28.5` stands for: the newest in the lock. */
import type { Lock } from "../../offline-bundle/spec/lock-file.ts";
import {
  type SeriesResolver,
  newestInSeries,
  type VersionedKey,
} from "../core/site/layers/exact-versions.ts";

/** The lock's names of the keys of `engine`. */
const names: Readonly<Record<VersionedKey, string>> = {
  version: "docker",
  compose: "compose",
  buildx: "buildx",
};

export function seriesResolver({ files }: Lock): SeriesResolver {
  return (what, line) => {
    const versions = files
      .filter(({ name, kind }) =>
        typeof what === "string" ? name === names[what] : kind === "app" && name === what.app,
      )
      .map(({ version }) => version);
    // An application may have a version of two numbers; an engine has none.
    return versions.includes(line) ? line : newestInSeries(line, versions);
  };
}

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
  return (what, line) =>
    newestInSeries(
      line,
      files.filter(({ name }) => name === names[what]).map(({ version }) => version),
    );
}

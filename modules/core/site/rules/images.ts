/** Rules for the images that hosts must hold: their names, and how they reach a host. */
import { isImageReference, readImageName } from "../../image-name.ts";
import type { MergedHost, SiteFile } from "../merge.ts";
import type { Problem } from "../../errors.ts";
import { shown } from "../../shown.ts";
import { placeOf, type ProblemBuilder, written } from "./problem-builder.ts";

export function imageProblems(
  file: SiteFile,
  hosts: readonly MergedHost[],
  problemAt: ProblemBuilder,
): Problem[] {
  return [...nameProblems(file, problemAt), ...loadProblems(file, hosts, problemAt)];
}

function nameProblems(file: SiteFile, problemAt: ProblemBuilder): Problem[] {
  return written(file, "images").flatMap(([path, images]) =>
    images.flatMap((image, at): Problem[] => {
      const read = readImageName(image);
      if (!isImageReference(read))
        return [problemAt([...path, at], "E_VALUE", read.found, read.expected, read.fix)];
      if (read.digest === undefined) return [];
      const expected = "a full name with registry and tag, without a digest: the lock pins the digest";
      return [problemAt([...path, at], "E_VALUE", shown(image), expected, `write ${read.name}`)];
    }),
  );
}

/**
 * docker load into the classic store records no digest (moby#43570), so that the fact could never be checked. Once per section of the
 * file, with all of its hosts.
 */
function loadProblems(file: SiteFile, hosts: readonly MergedHost[], problemAt: ProblemBuilder): Problem[] {
  const affected = hosts.flatMap((host, index) =>
    // Without a version the store is not known yet.
    host.images.length > 0 &&
    host.registry === undefined &&
    host.imageStore === "classic" &&
    host.engine.version !== undefined
      ? [{ name: host.name, path: placeOf(file, index, "images") }]
      : [],
  );
  return [...Map.groupBy(affected, ({ path }) => path.join("."))].flatMap(([, group]) => {
    const [first] = group;
    if (first === undefined) return [];
    const names = group.map(({ name }) => name).join(", ");
    return [
      problemAt(
        first.path,
        "E_IMAGE_LOAD",
        `images for hosts with the classic image store and without a registry (${names})`,
        "a registry, or the containerd image store: docker load into the classic store loses the digest of the lock (moby#43570)",
        "add registry: to the site, or replace daemon.storage-driver by daemon.features: { containerd-snapshotter: true } for hosts that hold no images and containers yet",
      ),
    ];
  });
}

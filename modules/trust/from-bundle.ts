/** Whether hosts can pull what the bundle holds under its unchanged names; what cannot be is told before it is tried. */
import type { Problem } from "../core/errors.ts";
import { placedName } from "../core/image-name.ts";
import type { HostSpec } from "../core/site-spec.ts";

/**
 * @param repositories in the bundle, with the registry that they came from: `ghcr.io/team/app`.
 * @param file the file that the site is written in, for messages.
 * @returns each registry that a host would be led to outside of the site, once a kind of host. A site that writes
 * registry.sources has decided by itself.
 */
export function unchangedNameProblems(
  hosts: readonly HostSpec[],
  repositories: readonly string[],
  file: string,
): readonly Problem[] {
  const came = [...new Set(repositories.map((name) => name.slice(0, name.indexOf("/"))))]
    .filter((place) => place !== "files")
    // Below the site's registry a port stands behind an underscore, which no name of a registry has.
    .map((place) => place.replace("_", ":"));
  const told = new Set<string>();
  return hosts.flatMap(({ name, registry }) => {
    if (registry === undefined || registry.sourcesWritten) return [];
    return came
      .filter((source) => !registry.sources.includes(source))
      .filter(
        (source) => !told.has(`${registry.follows} ${source}`) && told.add(`${registry.follows} ${source}`),
      )
      .map((source): Problem => {
        const own = `${registry.name}:${registry.port}/${registry.prefix}${placedName(source)}/…`;
        const written = `registry.sources: [${registry.sources.join(", ")}] to say that people write ${own}`;
        return {
          where: file,
          code: "E_CONFLICT",
          subject: "registry.sources",
          got: `images of ${source} in the bundle`,
          expected:
            registry.follows === "mirror"
              ? `images of docker.io alone: ${name} has the classic image store or an engine before 28.5, which follow no other name`
              : `${source} among the sources of ${name}`,
          todo:
            registry.follows === "mirror"
              ? `set daemon.features: { containerd-snapshotter: true } for ${name}, with an engine from 28.5 on, or write ${written}`
              : `add ${source} to registry.sources, or write ${written}`,
        };
      });
  });
}

/**
 * Whether hosts can pull the images of the bundle under their unchanged names; names for which that is impossible are reported in
 * advance.
 */
import { endpoint } from "../core/endpoint.ts";
import type { Problem } from "../core/errors.ts";
import { placedName } from "../core/image-name.ts";
import type { HostSpec } from "../core/site/site-spec.ts";

/**
 * @param repositories in the bundle, with their source registry: `ghcr.io/team/app`.
 * @param file the site file, for messages.
 * @returns each registry outside the site that a host would contact, once per kind of host; empty for a site that sets
 * registry.mirroredRegistries.
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
  const reported = new Set<string>();
  return hosts.flatMap(({ name, registry }) => {
    if (registry === undefined || registry.explicitMirrors) return [];
    return came
      .filter((source) => !registry.mirroredRegistries.includes(source))
      .filter(
        (source) =>
          !reported.has(`${registry.follows} ${source}`) && reported.add(`${registry.follows} ${source}`),
      )
      .map((source): Problem => {
        const own = `${endpoint(registry.name, registry.port)}/${registry.prefix}${placedName(source)}/…`;
        const written = `registry.mirroredRegistries: [${registry.mirroredRegistries.join(", ")}] if users write ${own}`;
        return {
          where: file,
          code: "E_CONFLICT",
          subject: "registry.mirroredRegistries",
          found: `the bundle has images from ${source}`,
          expected:
            registry.follows === "mirror"
              ? `images from docker.io only: ${name} has the classic image store or an engine before 28.5, which can redirect no other registry`
              : `${source} among the mirrored registries of ${name}`,
          fix:
            registry.follows === "mirror"
              ? `set daemon.features: { containerd-snapshotter: true } for ${name}, with an engine from 28.5 on, or set ${written}`
              : `add ${source} to registry.mirroredRegistries, or set ${written}`,
        };
      });
  });
}

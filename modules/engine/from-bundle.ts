/** What a host takes out of the bundle: its engine, the plugins of the docker command, and the registry where it runs. */
import { hostImageProblem } from "../../offline-bundle/image-platforms.ts";
import type { Lookup } from "../../offline-bundle/lookup.ts";
import type { Archive, Blob, HostFiles } from "../core/blob.ts";
import type { ErrorCode, Problem } from "../core/errors.ts";
import type { HostSpec } from "../core/site-spec.ts";

/** In the order in which they are installed. */
const pluginNames = ["compose", "buildx"] as const;

/**
 * Looks up what the site names.
 * @param file the file that the site is written in, for messages.
 * @returns what was found, or every version that the bundle does not hold; one problem alone when it has nothing at all for
 * the architecture.
 */
export function hostFiles(
  { name, engine, architecture, images, registry: spec }: HostSpec,
  bundle: Lookup,
  file: string,
): HostFiles | readonly Problem[] {
  const platform = `linux/${architecture}` as const;
  if (!bundle.lock.platforms.includes(platform)) return [noPlatform(name, platform, bundle, file)];
  const problems: Problem[] = [];
  const served = spec?.serves;
  const missing = (
    code: ErrorCode,
    key: string,
    version: string,
    what: string,
    held: readonly { readonly version: string; readonly platform: string }[],
  ): void => {
    const list = held.map((one) => `${one.version} (${one.platform})`).join(", ");
    problems.push({
      where: file,
      code,
      subject: `${name} ${key}`,
      got: `${version} for ${platform}`,
      expected: `${what} of the bundle: ${list || "it holds none"}`,
      todo: "name one of these, or carry in a bundle that holds it",
    });
  };
  const archive = bundle.engine(engine.version, architecture);
  if (archive === undefined)
    missing("E_ENGINE_NOT_IN_BUNDLE", "engine.version", engine.version, "an engine", bundle.engines());
  const plugins = pluginNames.flatMap((plugin) => {
    const version = engine[plugin];
    if (version === undefined) return [];
    const found = bundle.binary(plugin, version, architecture);
    if (found === undefined)
      missing("E_PLUGIN_NOT_IN_BUNDLE", `engine.${plugin}`, version, `a ${plugin}`, bundle.versions(plugin));
    return found ?? [];
  });
  problems.push(
    ...images.flatMap((image) =>
      hostImageProblem(image, platform, bundle.lock.images, {
        where: file,
        subject: `${name} images`,
        code: "E_IMAGE_NOT_IN_BUNDLE",
        holder: "an image of the bundle",
        todo: "name one of these, or carry in a bundle that holds it",
      }),
    ),
  );
  const registry = registryArchive();
  if (archive === undefined || problems.length > 0) return problems;
  const taken = [archive, ...plugins].map(({ sha256 }) => sha256);
  const others = otherVersions().filter(({ sha256 }) => !taken.includes(sha256));
  return { archive, plugins, others, ...(registry === undefined ? {} : { registry }) };

  function otherVersions(): readonly Blob[] {
    return [
      ...bundle.engines().flatMap(({ version }) => bundle.engine(version, architecture) ?? []),
      ...pluginNames.flatMap((plugin) =>
        bundle.versions(plugin).flatMap(({ version }) => bundle.binary(plugin, version, architecture) ?? []),
      ),
    ].filter((one, at, all) => all.findIndex(({ sha256 }) => sha256 === one.sha256) === at);
  }

  function registryArchive(): Archive | undefined {
    if (served === undefined) return undefined;
    const found = bundle.file("registry", served.version, `linux/${architecture}`);
    if (found === undefined)
      missing(
        "E_REGISTRY_NOT_IN_BUNDLE",
        "registry.version",
        served.version,
        "a registry",
        bundle.versions("registry"),
      );
    return found;
  }
}

function noPlatform(host: string, platform: string, { lock }: Lookup, file: string): Problem {
  return {
    where: file,
    code: "E_BUNDLE_PLATFORM",
    subject: `${host} architecture`,
    got: platform,
    expected: `a platform of the bundle: ${lock.platforms.join(", ")}`,
    todo: "correct it, or carry in a bundle for it: platforms in bundle.yaml",
  };
}

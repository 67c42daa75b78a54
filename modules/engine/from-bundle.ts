/**
 * The host files that a host gets from the bundle: its engine, the plugins of the docker command, its images and
 * applications, age where these have secrets, and on a registry host the registry.
 */
import { hostAppProblems } from "../../offline-bundle/locking/host-app-problems.ts";
import { hostImageProblem } from "../../offline-bundle/fetching/image-platforms.ts";
import { hexOf } from "../../offline-bundle/oci/manifests.ts";
import type { LockedImage } from "../../offline-bundle/spec/lock-file.ts";
import type { LockIndex } from "../../offline-bundle/spec/lock-index.ts";
import type { Archive, Blob, HostApp, HostFiles, HostImage } from "../core/host/blob.ts";
import type { ErrorCode, Problem } from "../core/errors.ts";
import { type AppSpec, type HostSpec, managedStacks, needsAge } from "../core/site/site-spec.ts";

/** In the order in which they are installed. */
const pluginNames = ["compose", "buildx"] as const;

/**
 * Looks up the versions in the site.
 *
 * @param file the site file, for messages.
 * @returns the host files, or a problem for every version that the bundle does not have; a single problem when it has nothing for
 * the architecture.
 */
export function hostFiles(host: HostSpec, bundle: LockIndex, file: string): HostFiles | readonly Problem[] {
  const { name, engine, architecture, images, apps, secrets, registry: spec } = host;
  const { backup, store, rehearsals = [], stacks = [] } = host;
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
      found: `${version} for ${platform}`,
      expected: `${what} of the bundle: ${list || "none"}`,
      fix: "choose one of these versions, or bring in a bundle that has this one",
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
        fix: "choose one of these images, or bring in a bundle that has this one",
      }),
    ),
  );
  problems.push(...hostAppProblems(host, bundle.lock, () => file));
  const releaseOf = ({ name, version }: Pick<AppSpec, "name" | "version">): readonly HostApp[] => {
    const found = bundle.app(name, version);
    if (found === undefined) return [];
    return [{ name, archive: found, project: found.project, images: found.images.map(hostImage) }];
  };
  const releases = apps.flatMap(releaseOf);
  const rehearsed = rehearsals.flatMap(({ app }) => releaseOf(app));
  // A task may start on every member, and any manager may deploy.
  const stacked = stacks.flatMap(releaseOf);
  const managed = managedStacks(host).flatMap(releaseOf);
  const registry = registryArchive();
  const age = ageArchive();
  const { restic, restServer } = backupArchives();
  if (archive === undefined || problems.length > 0) return problems;
  const taken = [archive, ...plugins, ...[...releases, ...managed].map((release) => release.archive)].map(
    ({ sha256 }) => sha256,
  );
  const otherReleases = bundle.apps().flatMap(({ name: app, version }) => {
    const runs = [...apps, ...stacks].some((one) => one.name === app && one.version !== version);
    return (runs ? bundle.app(app, version) : undefined) ?? [];
  });
  const others = [...otherVersions(), ...otherReleases].filter(({ sha256 }) => !taken.includes(sha256));
  const otherImages = otherReleases.flatMap((release) => release.images.map(hostImage));
  return {
    archive,
    plugins,
    ...{ others, otherImages },
    images: heldImages(),
    apps: releases,
    ...(managed.length === 0 ? {} : { stacks: managed }),
    ...(age === undefined ? {} : { age }),
    ...(rehearsed.length === 0 ? {} : { rehearsed }),
    ...(restic === undefined ? {} : { restic }),
    ...(restServer === undefined ? {} : { restServer }),
    ...(registry === undefined ? {} : { registry }),
  };

  /** Those of the site, then those of its applications, each once. */
  function heldImages(): readonly HostImage[] {
    const own = bundle.lock.images.filter((one) => images.includes(one.name)).map(hostImage);
    const all = [...own, ...[...releases, ...rehearsed, ...stacked].flatMap((release) => release.images)];
    return [...new Map(all.map((image) => [image.name, image])).values()];
  }

  function otherVersions(): readonly Blob[] {
    return [
      ...bundle.engines().flatMap(({ version }) => bundle.engine(version, architecture) ?? []),
      ...pluginNames.flatMap((plugin) =>
        bundle.versions(plugin).flatMap(({ version }) => bundle.binary(plugin, version, architecture) ?? []),
      ),
    ].filter((one, at, all) => all.findIndex(({ sha256 }) => sha256 === one.sha256) === at);
  }

  /** Only for a host with secrets, and for a manager of a swarm that is locked. */
  function ageArchive(): Archive | undefined {
    if (secrets === undefined || !needsAge(host)) return undefined;
    const found = bundle.file("age", secrets.age, `linux/${architecture}`);
    if (found === undefined)
      missing("E_AGE_NOT_IN_BUNDLE", "secrets.age", secrets.age, "an age", bundle.versions("age"));
    return found;
  }

  /** Only for hosts that make or store backups. */
  function backupArchives(): Pick<HostFiles, "restic" | "restServer"> {
    const version = backup?.restic ?? store?.restic;
    const get = (name: "restic" | "rest-server", key: string, requested: string | undefined) => {
      const found = requested === undefined ? undefined : bundle.file(name, requested, platform);
      if (requested !== undefined && found === undefined)
        missing("E_BACKUP_NOT_IN_BUNDLE", `backups.${key}`, requested, `a ${name}`, bundle.versions(name));
      return found;
    };
    const restic = get("restic", "restic", version);
    const restServer = get("rest-server", "restServer", store?.restServer);
    return {
      ...(restic === undefined ? {} : { restic }),
      ...(restServer === undefined ? {} : { restServer }),
    };
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

function hostImage({ name, digest }: LockedImage): HostImage {
  return { name, sha256: hexOf(digest) };
}

function noPlatform(host: string, platform: string, { lock }: LockIndex, file: string): Problem {
  return {
    where: file,
    code: "E_BUNDLE_PLATFORM",
    subject: `${host} architecture`,
    found: platform,
    expected: `a platform of the bundle: ${lock.platforms.join(", ")}`,
    fix: "correct the architecture, or bring in a bundle that was built for this platform (platforms: in bundle.yaml)",
  };
}

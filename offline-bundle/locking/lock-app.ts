/** From an application of bundle.yaml to its pin: the project is part of the repository, and pinned as it stands there. */
import { join } from "node:path";
import { SealiftError } from "../../modules/core/errors.ts";
import type { ComposeProject } from "../../modules/core/host/compose-project.ts";
import { membersOfProject, projectPlace } from "../compose/project-files.ts";
import { type ReadProject, readProject } from "../compose/read-project.ts";
import { changedProject, storeTar } from "../fetching/app-tar.ts";
import { fileOf, type BundleSpec, type FileSourceSpec, type ImageSpec } from "../spec/bundle-spec.ts";
import { selfComputed, type LockedFile } from "../spec/lock-file.ts";
import type { LockedEntry } from "./lock-entry.ts";

/** An application as it stands in the repository. */
export interface ReadApp extends ReadProject {
  readonly entry: FileSourceSpec;
  /** Its Compose file, for messages. */
  readonly where: string;
}

/** @throws {SealiftError} what {@link readProject} refuses. */
export async function readApp(entry: FileSourceSpec, bundleFile: string): Promise<ReadApp> {
  const place = await projectPlace(entry.url, bundleFile);
  return {
    entry,
    where: join(place.shown, place.file),
    ...(await readProject(entry.name, place, entry.swarm)),
  };
}

/**
 * @param old the existing pin: the project must still have its bytes, because sites may run this version.
 * @param update pins it again in any case.
 * @throws {SealiftError} E_PIN_MISMATCH
 */
export async function lockApp(
  { entry, where, files, project }: ReadApp,
  old: LockedFile | undefined,
  update: boolean,
  store: string,
): Promise<LockedEntry> {
  const { bytes, sha256 } = await storeTar(entry.url, files, store);
  const pin: LockedFile = {
    ...fileOf(entry),
    ...{ bytes, sha256, sources: [selfComputed], origin: "unverified" },
    members: membersOfProject(files),
    project,
  };
  if (old?.kind !== "app" || update) return { pin, change: old === undefined ? "added" : "updated" };
  if (old.sha256 !== sha256)
    throw new SealiftError([changedProject(where, entry.url, files, old.members ?? [])]);
  return { pin: { ...pin, project: withOldDefinitions(project, old.project) }, change: "checked" };
}

/** Another version of the plugin prints the same files in other words, which must not replace any container. */
function withOldDefinitions(project: ComposeProject, old: ComposeProject | undefined): ComposeProject {
  const services = project.services.map((service) => ({
    ...service,
    config: old?.services.find(({ name }) => name === service.name)?.config ?? service.config,
  }));
  const stack = project.stack === undefined ? undefined : (old?.stack ?? project.stack);
  return { ...project, services, ...(stack === undefined ? {} : { stack }) };
}

/** The images that an existing lock says its applications need, as if `images:` of bundle.yaml named them. */
export function withAppImages(spec: BundleSpec, files: readonly LockedFile[]): BundleSpec {
  const services = files.flatMap((file) => (file.kind === "app" ? (file.project?.services ?? []) : []));
  return withImages(
    spec,
    services.map(({ image, digest }) => ({ name: image, ...(digest === undefined ? {} : { digest }) })),
  );
}

/** What bundle.yaml itself says of an image is kept: where it comes from, its key and platforms. */
export function withImages(spec: BundleSpec, more: readonly ImageSpec[]): BundleSpec {
  const images = new Map<string, ImageSpec>(spec.images.map((image) => [image.name, image]));
  for (const image of more) if (!images.has(image.name)) images.set(image.name, image);
  return { ...spec, images: [...images.values()] };
}

/** The pins of a lock, searchable by name: the same for an existing bundle and for one that is still to be built. */
import type { Digest } from "../io/digest.ts";
import type { ComposeProject } from "../../modules/core/host/compose-project.ts";
import type { Lock, LockedFile, LockedImage } from "./lock-file.ts";
import type { Member } from "../upstream/members.ts";
import type { FilePlatform } from "./bundle-spec.ts";

/** A file of the bundle, ready to be read or sent. */
export interface BundleFile extends Digest {
  readonly name: string;
  readonly version: string;
  readonly platform: FilePlatform;
  /** Absolute path of the blob. */
  readonly path: string;
  /** Regular files inside, when it is an engine or archive; otherwise empty. */
  readonly members: readonly Member[];
}

/** One version of an application. */
export interface BundleApp extends BundleFile {
  readonly project: ComposeProject;
  /** Of its services, each once; an image that the lock lacks is absent. */
  readonly images: readonly LockedImage[];
}

export interface LockIndex {
  readonly lock: Lock;
  file(name: string, version: string, platform: FilePlatform): BundleFile | undefined;
  /** The engine tarball of this version. */
  engine(version: string, architecture: "amd64" | "arm64"): BundleFile | undefined;
  /** The program with this name and version that is a single file. */
  binary(name: string, version: string, architecture: "amd64" | "arm64"): BundleFile | undefined;
  /** This version of an application: the tar of its project, and the images of its services. */
  app(name: string, version: string): BundleApp | undefined;
  /** All versions of all applications, for messages. */
  apps(): readonly Pick<BundleFile, "name" | "version">[];
  /** All files of this name, for messages: `{ version: "5.5.1", platform: "linux/amd64" }`. */
  versions(name: string): readonly Pick<BundleFile, "version" | "platform">[];
  /** All engines, for messages: `{ version: "28.5.2", platform: "linux/amd64" }`. */
  engines(): readonly Pick<BundleFile, "version" | "platform">[];
}

/** @param pathOf path of the bytes of a sha256; the default throws. */
export function lockIndex(lock: Lock, pathOf: (sha256: string) => string = () => ""): LockIndex {
  const describe = (file: LockedFile): BundleFile => ({
    name: file.name,
    version: file.version,
    platform: file.platform,
    sha256: file.sha256,
    bytes: file.bytes ?? 0,
    path: pathOf(file.sha256),
    members: file.members ?? [],
  });
  const find = (matches: (file: LockedFile) => boolean): BundleFile | undefined => {
    const found = lock.files.find(matches);
    return found === undefined ? undefined : describe(found);
  };
  const of = (kind: LockedFile["kind"], version: string, architecture: string) => (file: LockedFile) =>
    file.kind === kind && file.version === version && file.platform === `linux/${architecture}`;
  return {
    lock,
    file: (name, version, platform) =>
      find((file) => file.name === name && file.version === version && file.platform === platform),
    engine: (version, architecture) => find(of("engine", version, architecture)),
    binary: (name, version, architecture) =>
      find((file) => file.name === name && of("binary", version, architecture)(file)),
    app: (name, version) => {
      const found = lock.files.find(
        (file) => file.kind === "app" && file.name === name && file.version === version,
      );
      if (found?.project === undefined) return undefined;
      const names = new Set(found.project.services.map(({ image }) => image));
      const images = lock.images.filter((image) => names.has(image.name));
      return { ...describe(found), project: found.project, images };
    },
    apps: () => lock.files.filter(({ kind }) => kind === "app").map(describe),
    versions: (name) => lock.files.filter((file) => file.name === name).map(describe),
    engines: () => lock.files.filter(({ kind }) => kind === "engine").map(describe),
  };
}

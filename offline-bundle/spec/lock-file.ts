/** bundle.lock.yaml: its shape, reading, writing, and whether it still matches bundle.yaml. */
import type { ComposeProject, ComposeService } from "../../modules/core/host/compose-project.ts";
import { type Problem, refuse } from "../../modules/core/errors.ts";
import { writeAtomically } from "../../modules/core/write-atomically.ts";
import { type Document, parseDocument, readDocument } from "./document.ts";
import type { Member } from "../upstream/members.ts";
import type { Origin } from "./origin.ts";
import { explainFullDisk } from "../io/disk-space.ts";
import { label, type Platform, type BundleSpec, type FileSpec, type ImageSpec } from "./bundle-spec.ts";

export interface LockedFile extends FileSpec {
  /** Absent until the bytes were downloaded once. */
  readonly bytes?: number;
  readonly sha256: string;
  /** Independent sources that publish this sha256, or `computed-here`. */
  readonly sources: readonly string[];
  /** The origin of the pin, as this lock has determined it; absent in locks of an earlier Sealift: unverified. */
  readonly origin?: Origin;
  /** Fingerprint of the publisher's primary key, when origin is signature. */
  readonly signedBy?: string;
  /** Files inside an engine or archive; absent until the bytes were downloaded once. */
  readonly members?: readonly Member[];
  /** `sha256:…` of the OCI artifact that the reference of an `oci:` URL pointed to. */
  readonly manifest?: string;
  /** Of an app: its Compose project. */
  readonly project?: ComposeProject;
}

export interface LockedImage extends Pick<ImageSpec, "name" | "from"> {
  /** `sha256:…` of the manifest or index. */
  readonly digest: string;
  /** `sha256:…` of the public key with which its owner has signed this digest; absent: no signature was checked. */
  readonly signedBy?: string;
  readonly platforms: readonly string[];
  readonly sources: readonly string[];
}

export interface Lock {
  readonly format: 1;
  /** Increases by one with every change of the lock. */
  readonly serial: number;
  readonly platforms: readonly Platform[];
  /** The last day on which a bundle of it is valid, UTC: `2026-12-31`; absent: it never expires. */
  readonly expires?: string;
  readonly files: readonly LockedFile[];
  readonly images: readonly LockedImage[];
}

export const lockSchema = "bundle.lock.schema.json";
export const lockMissing = { code: "E_LOCK_MISSING", fix: "run: sealift bundle lock" } as const;

/** The source of a pin that nobody else attests. */
export const selfComputed = "computed-here";

/** The source of the pin of an npm package: it records the sha512 that the registry publishes. */
export const packageLock = "package-lock.json";

/**
 * Reads a lock file.
 *
 * @throws {SealiftError} E_LOCK_MISSING, or every problem of the file at its line.
 */
export async function readLock(file: string): Promise<Lock> {
  return eachOnce(await readDocument<Lock>(file, lockSchema, lockMissing));
}

/** The same for bytes that were already read. @throws {SealiftError} every problem of the file at its line. */
export async function parseLock(bytes: Uint8Array, file: string): Promise<Lock> {
  return eachOnce(await parseDocument<Lock>(bytes, file, lockSchema));
}

/** @throws {E_CONFLICT} when an entry is repeated. */
function eachOnce(read: Document<Lock>): Lock {
  refuse(repeatProblems(read));
  return read.value;
}

/** @returns E_CONFLICT for repeated entries. */
export function repeatProblems({
  value,
  place,
}: {
  readonly value: Pick<Lock, "files" | "images">;
  readonly place: Document<unknown>["place"];
}): readonly Problem[] {
  return [
    ...twice(value.files, "files", ({ name, version, platform }) => `${name} ${version} ${platform}`, place),
    // Under whatever name: hosts request an engine by its version.
    ...twice(
      value.files,
      "files",
      (one) => (one.kind === "engine" ? `engine ${one.version} ${one.platform}` : undefined),
      place,
    ),
    ...twice(value.images, "images", ({ name }) => name, place),
    ...value.files.flatMap(({ members = [] }, at) => membersTwice(members, place(["files", at]))),
  ];
}

function membersTwice(members: readonly { readonly path: string }[], where: string): readonly Problem[] {
  const paths = new Set<string>();
  return members.flatMap(({ path }): readonly Problem[] => {
    if (!paths.has(path)) {
      paths.add(path);
      return [];
    }
    const fix = "keep the intended entry";
    const [found, expected] = [`member ${path} appears twice`, "each member once"];
    return [{ where, code: "E_CONFLICT", subject: "members", found, expected, fix }];
  });
}

/** Repeated entries: one would be reviewed and the other one used. */
function twice<T>(
  all: readonly T[],
  key: "files" | "images",
  nameOf: (one: T) => string | undefined,
  place: Document<Lock>["place"],
): readonly Problem[] {
  const names = all.map(nameOf);
  return names.flatMap((name, at): readonly Problem[] => {
    if (name === undefined || names.indexOf(name) === at) return [];
    const fix = "keep the intended entry";
    const [found, expected] = [`${name} appears twice`, "each entry once"];
    return [{ where: place([key, at]), code: "E_CONFLICT", subject: `${key}[${at}]`, found, expected, fix }];
  });
}

/**
 * Writes a lock file atomically: a reader sees the old one or the new one.
 *
 * @throws {SealiftError} E_NO_SPACE; the problems that {@link readLock} would report, in which case nothing is written: a
 * registry or an archive may contain values that are not allowed in a lock.
 */
export async function writeLock(file: string, lock: Lock): Promise<void> {
  const { stringify } = await import("yaml");
  const text = header + stringify(inOrder(lock), { lineWidth: 0, aliasDuplicateObjects: false });
  await parseLock(Buffer.from(text), file);
  await explainFullDisk(file, () => writeAtomically(file, text));
}

/** A fixed order of keys, so that the same lock gives the same bytes and a diff shows only changes. */
function inOrder(lock: Lock): Lock {
  return {
    format: lock.format,
    serial: lock.serial,
    platforms: lock.platforms,
    ...(lock.expires === undefined ? {} : { expires: lock.expires }),
    files: lock.files.map((file) => {
      const { name, version, platform, kind, url, bytes, sha256, licence, members, manifest } = file;
      const { sources, origin, signedBy, integrity } = file;
      return {
        ...{ name, version, platform, kind },
        ...(file.package === undefined ? {} : { package: file.package }),
        url,
        ...(manifest === undefined ? {} : { manifest }),
        ...(bytes === undefined ? {} : { bytes }),
        sha256,
        ...(integrity === undefined ? {} : { integrity }),
        ...{ licence, sources },
        ...(origin === undefined ? {} : { origin }),
        ...(signedBy === undefined ? {} : { signedBy }),
        ...(members === undefined ? {} : { members: members.map(memberInOrder) }),
        ...(file.project === undefined ? {} : { project: projectInOrder(file.project) }),
      };
    }),
    images: lock.images.map(({ name, from, digest, signedBy, platforms, sources }) => ({
      name,
      ...(from === undefined ? {} : { from }),
      digest,
      ...(signedBy === undefined ? {} : { signedBy }),
      ...{ platforms, sources },
    })),
  };
}

function memberInOrder({ path, bytes, sha256 }: Member): Member {
  return { path, bytes, sha256 };
}

function projectInOrder({ file, services, configs, secrets, stack }: ComposeProject): ComposeProject {
  return {
    file,
    services: services.map(serviceInOrder),
    ...(configs === undefined ? {} : { configs }),
    ...(secrets === undefined ? {} : { secrets }),
    ...(stack === undefined ? {} : { stack }),
  };
}

function serviceInOrder(service: ComposeService): ComposeService {
  const { name, image, digest, config, replicas, oneShot, restart, variables, envFiles } = service;
  const { configs, secrets, binds, hostPaths, mounts, ports, needs } = service;
  return {
    ...{ name, image },
    ...(digest === undefined ? {} : { digest }),
    config,
    ...(replicas === undefined ? {} : { replicas }),
    ...(oneShot === undefined ? {} : { oneShot }),
    ...(restart === undefined ? {} : { restart }),
    ...(variables === undefined ? {} : { variables }),
    ...(envFiles === undefined ? {} : { envFiles }),
    ...(configs === undefined ? {} : { configs }),
    ...(secrets === undefined ? {} : { secrets }),
    ...(binds === undefined ? {} : { binds }),
    ...(hostPaths === undefined ? {} : { hostPaths }),
    ...(mounts === undefined ? {} : { mounts }),
    ...(ports === undefined ? {} : { ports }),
    ...(needs === undefined ? {} : { needs }),
  };
}

/** Whether everything that a build needs to know about a file is known. */
export function isComplete(file: LockedFile): boolean {
  return (
    file.bytes !== undefined &&
    (!hasMembers(file) || file.members !== undefined) &&
    (file.kind !== "app" || file.project !== undefined)
  );
}

/** Whether the lock lists the members of the file. */
export function hasMembers({ kind }: Pick<FileSpec, "kind">): boolean {
  return kind === "engine" || kind === "archive" || kind === "app";
}

/** Differences between bundle.yaml and the lock, each as E_LOCK_STALE; none when the lock is current. */
export function staleness(spec: BundleSpec, lock: Lock, lockFile: string): readonly Problem[] {
  return [
    ...uncovered(spec, lock, lockFile),
    ...(spec.expires === lock.expires
      ? []
      : [
          stale(
            lockFile,
            "expires",
            lock.expires ?? "no date",
            `${spec.expires ?? "none"}, as in bundle.yaml`,
          ),
        ]),
    ...lock.files
      .filter((file) => !isComplete(file))
      .map((file) => stale(lockFile, label(file), "the pin has no length or no members", "a complete pin")),
  ];
}

/** Items without a pin, and pins without an item in bundle.yaml: E_LOCK_STALE. */
export function uncovered(spec: BundleSpec, lock: Lock, lockFile: string): readonly Problem[] {
  const requested = [...spec.files.map(fileKey), ...spec.images.map((one) => imageKey(one, one.cosign))];
  // A tag alone may point to any digest; a digest in bundle.yaml must equal that of the lock.
  const named = new Set(spec.images.filter(({ digest }) => digest !== undefined).map(({ name }) => name));
  const locked = [
    ...lock.files.map(fileKey),
    ...lock.images.map(({ digest, ...one }) =>
      imageKey({ ...one, ...(named.has(one.name) ? { digest } : {}) }, one.signedBy),
    ),
  ];
  return [
    ...spec.files.flatMap((file) => {
      const pin = lock.files.find((one) => label(one) === label(file));
      if (file.swarm !== true || pin?.project === undefined || pin.project.stack !== undefined) return [];
      return [
        stale(lockFile, label(file), "an application of hosts alone", "swarm: true, as in bundle.yaml"),
      ];
    }),
    ...requested
      .filter((one) => !locked.includes(one))
      .map((one) => stale(lockFile, one, "no pin", "a pin for every item in bundle.yaml")),
    ...locked
      .filter((one) => !requested.includes(one))
      .map((one) => stale(lockFile, one, "a pin", "only items in bundle.yaml")),
  ];
}

/** bundle.yaml names another key than the one that the lock records for the image. */
export function otherKey({ name, signedBy }: LockedImage, fingerprint: string, lockFile: string): Problem {
  return stale(lockFile, name, `signed by ${signedBy ?? "nobody"}`, `signed by ${fingerprint}`);
}

function stale(where: string, subject: string, found: string, expected: string): Problem {
  const fix = "run sealift bundle lock, and review the changes";
  return { where, code: "E_LOCK_STALE", subject, found, expected, fix };
}

function fileKey(file: FileSpec): string {
  const kind = file.package === undefined ? file.kind : `${file.kind} ${file.package}`;
  const bytes = file.integrity === undefined ? "" : `, ${file.integrity}`;
  return `${label(file)} (${kind}, ${file.licence}${bytes}) from ${file.url}`;
}

function imageKey(
  { name, from, digest }: Pick<ImageSpec, "name" | "from" | "digest">,
  key: string | undefined,
): string {
  return `${name}${digest === undefined ? "" : `@${digest}`}${from === undefined ? "" : ` from ${from}`}${key === undefined ? "" : ", signed"}`;
}

const header = `# Written by "sealift bundle lock" from bundle.yaml; a person reviews every change of it.
# Docker publishes no checksums for its static tarballs: "sources" names the places that agree on a sha256, "origin" says how far they can
# be believed. What is unverified is not built, until bundle.yaml confirms it or lowers minOrigin.
`;

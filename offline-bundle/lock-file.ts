/** bundle.lock.yaml: its shape, reading, writing, and whether it still says what bundle.yaml asks for. */
import { type Problem, refuse } from "../modules/core/errors.ts";
import { writeWhole } from "../modules/core/write-whole.ts";
import { type Document, parseDocument, readDocument } from "./document.ts";
import type { Member } from "./members.ts";
import type { Origin } from "./origin.ts";
import { withinRoom } from "./room.ts";
import { label, type Platform, type Want, type WantedFile, type WantedImage } from "./want.ts";

export interface LockedFile extends WantedFile {
  /** Absent until the bytes were seen here. */
  readonly bytes?: number;
  readonly sha256: string;
  /** Independent places that publish this sha256, or `computed-here`. */
  readonly sources: readonly string[];
  /** How far those can be believed, as this lock has found it; absent in locks of earlier Sealifts: unverified. */
  readonly origin?: Origin;
  /** Fingerprint of the publisher's primary key, when origin is signature. */
  readonly signedBy?: string;
  /** Files inside an engine or archive; absent until the bytes were seen here. */
  readonly members?: readonly Member[];
  /** `sha256:…` of the OCI artifact that the reference of an `oci:` url stood for. */
  readonly manifest?: string;
}

export interface LockedImage extends Pick<WantedImage, "name" | "from"> {
  /** `sha256:…` of the manifest or index. */
  readonly digest: string;
  /** `sha256:…` of the public key by which its owner has signed this digest; absent: nobody was asked. */
  readonly signedBy?: string;
  readonly platforms: readonly string[];
  readonly sources: readonly string[];
}

export interface Lock {
  readonly format: 1;
  /** Grows by one with every change of the lock. */
  readonly serial: number;
  readonly platforms: readonly Platform[];
  /** The last day on which a bundle of it is good, UTC: `2026-12-31`; absent: it is good for ever. */
  readonly expires?: string;
  readonly files: readonly LockedFile[];
  readonly images: readonly LockedImage[];
}

export const lockSchema = "bundle.lock.schema.json";
export const lockMissing = { code: "E_LOCK_MISSING", todo: "run: sealift bundle lock" } as const;

/** The source of a pin that nobody else vouches for. */
export const computedHere = "computed-here";

/**
 * Reads a lock file.
 *
 * @throws {SealiftError} E_LOCK_MISSING, or every problem of the file at its line.
 */
export async function readLock(file: string): Promise<Lock> {
  return eachOnce(await readDocument<Lock>(file, lockSchema, lockMissing));
}

/** The same of bytes that were read already. @throws {SealiftError} every problem of the file at its line. */
export async function parseLock(bytes: Uint8Array, file: string): Promise<Lock> {
  return eachOnce(await parseDocument<Lock>(bytes, file, lockSchema));
}

/** @throws {E_CONFLICT} when something stands there twice. */
function eachOnce(read: Document<Lock>): Lock {
  refuse(repeatProblems(read));
  return read.value;
}

/** @returns E_CONFLICT for what stands there twice. */
export function repeatProblems({
  value,
  place,
}: {
  readonly value: Pick<Lock, "files" | "images">;
  readonly place: Document<unknown>["place"];
}): readonly Problem[] {
  return [
    ...twice(value.files, "files", ({ name, version, platform }) => `${name} ${version} ${platform}`, place),
    // Under whatever name: hosts ask for an engine by its version.
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
    const todo = "keep the one that is meant";
    const [got, expected] = [`member ${path}, a second time`, "each thing once"];
    return [{ where, code: "E_CONFLICT", subject: "members", got, expected, todo }];
  });
}

/** What stands there twice: one would be reviewed and the other one used. */
function twice<T>(
  all: readonly T[],
  key: "files" | "images",
  nameOf: (one: T) => string | undefined,
  place: Document<Lock>["place"],
): readonly Problem[] {
  const names = all.map(nameOf);
  return names.flatMap((name, at): readonly Problem[] => {
    if (name === undefined || names.indexOf(name) === at) return [];
    const todo = "keep the one that is meant";
    const [got, expected] = [`${name}, a second time`, "each thing once"];
    return [{ where: place([key, at]), code: "E_CONFLICT", subject: `${key}[${at}]`, got, expected, todo }];
  });
}

/**
 * Writes a lock file in one step: a reader sees the old one or the new one.
 *
 * @throws {SealiftError} E_SPACE; what {@link readLock} would say of it, and then nothing is written: a registry or an archive may
 * have said what no lock can hold.
 */
export async function writeLock(file: string, lock: Lock): Promise<void> {
  const { stringify } = await import("yaml");
  const text = header + stringify(inOrder(lock), { lineWidth: 0, aliasDuplicateObjects: false });
  await parseLock(Buffer.from(text), file);
  await withinRoom(file, () => writeWhole(file, text));
}

/** One order of keys, so that the same lock is the same bytes and a diff shows only what changed. */
function inOrder(lock: Lock): Lock {
  return {
    format: lock.format,
    serial: lock.serial,
    platforms: lock.platforms,
    ...(lock.expires === undefined ? {} : { expires: lock.expires }),
    files: lock.files.map((file) => {
      const { name, version, platform, kind, url, bytes, sha256, licence, members, manifest } = file;
      const { sources, origin, signedBy } = file;
      return {
        ...{ name, version, platform, kind },
        ...(file.package === undefined ? {} : { package: file.package }),
        url,
        ...(manifest === undefined ? {} : { manifest }),
        ...(bytes === undefined ? {} : { bytes }),
        ...{ sha256, licence, sources },
        ...(origin === undefined ? {} : { origin }),
        ...(signedBy === undefined ? {} : { signedBy }),
        ...(members === undefined ? {} : { members: members.map(memberInOrder) }),
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

/** Whether everything about a file is known that a build needs. */
export function isComplete(file: LockedFile): boolean {
  return file.bytes !== undefined && (!hasMembers(file) || file.members !== undefined);
}

/** Whether the lock names what is inside. */
export function hasMembers({ kind }: Pick<WantedFile, "kind">): boolean {
  return kind === "engine" || kind === "archive";
}

/** Differences between what is wanted and what is locked, each as E_LOCK_STALE; none when the lock is current. */
export function staleness(want: Want, lock: Lock, lockFile: string): readonly Problem[] {
  return [
    ...uncovered(want, lock, lockFile),
    ...(want.expires === lock.expires
      ? []
      : [
          stale(
            lockFile,
            "expires",
            lock.expires ?? "no day",
            `${want.expires ?? "none"}, as bundle.yaml says`,
          ),
        ]),
    ...lock.files
      .filter((file) => !isComplete(file))
      .map((file) =>
        stale(lockFile, label(file), "a pin without length or members", "a pin whose bytes were seen here"),
      ),
  ];
}

/** What is wanted and has no pin, and what has one and is not wanted: E_LOCK_STALE. */
export function uncovered(want: Want, lock: Lock, lockFile: string): readonly Problem[] {
  const wanted = [...want.files.map(fileKey), ...want.images.map((one) => imageKey(one, one.cosign))];
  // A tag alone may stand for any digest; one that bundle.yaml has has to be the lock's.
  const named = new Set(want.images.filter(({ digest }) => digest !== undefined).map(({ name }) => name));
  const locked = [
    ...lock.files.map(fileKey),
    ...lock.images.map(({ digest, ...one }) =>
      imageKey({ ...one, ...(named.has(one.name) ? { digest } : {}) }, one.signedBy),
    ),
  ];
  return [
    ...wanted
      .filter((one) => !locked.includes(one))
      .map((one) => stale(lockFile, one, "no pin", "the pin of what bundle.yaml asks for")),
    ...locked
      .filter((one) => !wanted.includes(one))
      .map((one) => stale(lockFile, one, "a pin", "only what bundle.yaml asks for")),
  ];
}

/** The key of bundle.yaml is not the one by which the lock says that an image is signed. */
export function otherKey({ name, signedBy }: LockedImage, fingerprint: string, lockFile: string): Problem {
  return stale(lockFile, name, `signed by ${signedBy ?? "nobody"}`, `signed by ${fingerprint}`);
}

function stale(where: string, subject: string, got: string, expected: string): Problem {
  const todo = "run: sealift bundle lock, and review what changed";
  return { where, code: "E_LOCK_STALE", subject, got, expected, todo };
}

function fileKey(file: WantedFile): string {
  const kind = file.package === undefined ? file.kind : `${file.kind} ${file.package}`;
  return `${label(file)} (${kind}, ${file.licence}) from ${file.url}`;
}

function imageKey(
  { name, from, digest }: Pick<WantedImage, "name" | "from" | "digest">,
  key: string | undefined,
): string {
  return `${name}${digest === undefined ? "" : `@${digest}`}${from === undefined ? "" : ` from ${from}`}${key === undefined ? "" : ", signed"}`;
}

const header = `# Written by "sealift bundle lock" from bundle.yaml; a person reviews every change of it.
# Docker publishes no checksums for its static tarballs: "sources" names the places that agree on a sha256, "origin" says how far they can
# be believed. What is unverified is not built, until bundle.yaml confirms it or lowers minOrigin.
`;

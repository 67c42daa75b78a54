/**
 * Compares the content that a lock records for a file with the file's bytes: the author of a lock could write any member beside a
 * true sha256.
 */
import type { Problem } from "../../modules/core/errors.ts";
import { integrityOf } from "../fetching/npm-package.ts";
import { type DebControl, readDeb } from "../upstream/deb.ts";
import { readNpmTarball } from "../upstream/npm-tarball.ts";
import { hasMembers, type LockedFile } from "../spec/lock-file.ts";
import { type Member, membersOf, membersOfTar } from "../upstream/members.ts";
import { printable } from "../io/printable.ts";
import { label, type FileSpec } from "../spec/bundle-spec.ts";

/**
 * @param path bytes with the pinned sha256.
 * @param bytes their length.
 * @returns E_PIN_MISMATCH for another length, for members of an engine or archive that differ from the lock, and for another
 * package.
 * @throws {SealiftError} E_ARCHIVE when the file is not an archive of its kind; E_TOOL.
 */
export async function pinContentProblems(
  file: LockedFile,
  path: string,
  bytes: number,
): Promise<readonly Problem[]> {
  const problem = (subject: string, found: string, expected: string): Problem => ({
    where: file.url,
    code: "E_PIN_MISMATCH",
    subject: `${label(file)} ${subject}`,
    found,
    expected: `${expected}, as recorded in the lock`,
    fix: "find out who edited the lock; to record the content again, run: sealift bundle lock --update <name>",
  });
  const length = file.bytes === undefined || file.bytes === bytes;
  return [
    ...(length ? [] : [problem("bytes", String(bytes), String(file.bytes))]),
    ...(hasMembers(file) ? memberProblems(await insideOf(file, path), file.members ?? [], problem) : []),
    ...(file.kind === "deb" ? await debProblems(file, path) : []),
    ...(file.kind === "npm" ? await npmProblems(file, path) : []),
  ];
}

/** Links in an engine would put bytes on a host that no pin covers. */
export function insideOf({ kind }: Pick<FileSpec, "kind">, path: string): Promise<readonly Member[]> {
  return kind === "app" ? membersOfTar(path) : membersOf(path, kind === "archive");
}

/** Only the first few: an archive may have many. */
function memberProblems(
  found: readonly Member[],
  locked: readonly Member[],
  problem: (subject: string, found: string, expected: string) => Problem,
): readonly Problem[] {
  const [present, pinned] = [byPath(found), byPath(locked)];
  const paths = [...new Set([...present.keys(), ...pinned.keys()])].sort();
  const none = "no such member";
  return paths
    .filter((path) => present.get(path) !== pinned.get(path))
    .slice(0, maxReported)
    .map((path) => problem(printable(path), present.get(path) ?? none, pinned.get(path) ?? none));
}

function byPath(members: readonly Member[]): ReadonlyMap<string, string> {
  return new Map(members.map(({ path, bytes, sha256 }) => [path, `${bytes} bytes, sha256 ${sha256}`]));
}

const maxReported = 10;

/** Where a package differs from bundle.yaml: E_PIN_MISMATCH, one per field. */
export async function debProblems(file: FileSpec, path: string): Promise<readonly Problem[]> {
  const control = await readDeb(path);
  const expected: DebControl = {
    Package: file.package ?? file.name,
    Version: file.version,
    Architecture: file.platform === "any" ? "all" : file.platform.replace("linux/", ""),
  };
  return (["Package", "Version", "Architecture"] as const)
    .filter((field) => control[field] !== expected[field])
    .map((field) => ({
      where: file.url,
      code: "E_PIN_MISMATCH",
      subject: `${label(file)} ${field}`,
      found: control[field],
      expected: `${expected[field]}, as in bundle.yaml`,
      fix: "correct the entry in bundle.yaml: its url points to another package",
    }));
}

/** Where a package differs from package-lock.json: E_PIN_MISMATCH, for its sha512, or one per field of its package.json. */
export async function npmProblems(file: FileSpec, path: string): Promise<readonly Problem[]> {
  const problem = (subject: string, found: string, expected: string): Problem => ({
    where: file.url,
    code: "E_PIN_MISMATCH",
    subject: `${label(file)} ${subject}`,
    found: printable(found),
    expected: `${expected}, as in package-lock.json`,
    fix: "do not use this package; restore it, or run npm install and review the change of package-lock.json",
  });
  const integrity = await integrityOf(path);
  if (integrity !== file.integrity) return [problem("integrity", integrity, file.integrity ?? "none")];
  const found = await readNpmTarball(path);
  const required = { name: file.package ?? file.name, version: file.version };
  return (["name", "version"] as const)
    .filter((field) => found[field] !== required[field])
    .map((field) => problem(field, found[field], required[field]));
}

/** What a lock says of the inside of a file, compared with its bytes: whoever writes a lock may write any member beside a true sha256. */
import type { Problem } from "../modules/core/errors.ts";
import { debProblems } from "./deb.ts";
import { hasMembers, type LockedFile } from "./lock-file.ts";
import { type Member, membersOf } from "./members.ts";
import { printable } from "./printable.ts";
import { label, type WantedFile } from "./want.ts";

/**
 * @param path bytes whose sha256 is the pinned one. @param bytes how many there are.
 * @returns E_PIN for another length, for the members of an engine or archive that are not those of the lock, and for another package.
 * @throws {SealiftError} E_ARCHIVE when it is no archive of its kind; E_TOOL.
 */
export async function pinContentProblems(
  file: LockedFile,
  path: string,
  bytes: number,
): Promise<readonly Problem[]> {
  const problem = (subject: string, got: string, expected: string): Problem => ({
    where: file.url,
    code: "E_PIN",
    subject: `${label(file)} ${subject}`,
    got,
    expected: `${expected}, as the lock says`,
    todo: "ask who has changed the lock by hand; it is written from the bytes again with: sealift bundle lock --update",
  });
  const length = file.bytes === undefined || file.bytes === bytes;
  return [
    ...(length ? [] : [problem("bytes", String(bytes), String(file.bytes))]),
    ...(hasMembers(file) ? memberProblems(await insideOf(file, path), file.members ?? [], problem) : []),
    ...(file.kind === "deb" ? await debProblems(file, path) : []),
  ];
}

/** An engine's links would be bytes on a host that no pin knows. */
export function insideOf({ kind }: Pick<WantedFile, "kind">, path: string): Promise<readonly Member[]> {
  return membersOf(path, kind === "archive");
}

/** The first few: an archive may have many. */
function memberProblems(
  found: readonly Member[],
  locked: readonly Member[],
  problem: (subject: string, got: string, expected: string) => Problem,
): readonly Problem[] {
  const [there, wanted] = [byPath(found), byPath(locked)];
  const paths = [...new Set([...there.keys(), ...wanted.keys()])].sort();
  const none = "no such member";
  return paths
    .filter((path) => there.get(path) !== wanted.get(path))
    .slice(0, mostTold)
    .map((path) => problem(printable(path), there.get(path) ?? none, wanted.get(path) ?? none));
}

function byPath(members: readonly Member[]): ReadonlyMap<string, string> {
  return new Map(members.map(({ path, bytes, sha256 }) => [path, `${bytes} bytes, sha256 ${sha256}`]));
}

const mostTold = 10;

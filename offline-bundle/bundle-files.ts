/** What lies in a bundle directory: a closed list of regular files, and nothing else. Names and kinds only; nothing is read. */
import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import type { ErrorCode, Problem } from "../modules/core/errors.ts";
import { inside } from "./inside.ts";
import { limits } from "./limits.ts";
import { printable } from "./printable.ts";
import { otherKind } from "./regular-file.ts";
import { signatureNumber } from "./signature-files.ts";

export interface BundleFiles {
  /** sha256 -> length in bytes of every regular file among the blobs that is called by a sha256. */
  readonly blobs: ReadonlyMap<string, number>;
  /** Names of blobs that are something else; they are among the problems. */
  readonly unusable: ReadonlySet<string>;
  /** E_BUNDLE_DIGEST for what does not belong there, E_BUNDLE_INCOMPLETE without blobs. */
  readonly problems: readonly Problem[];
}

/** Lists a bundle. @throws the error of the file system when the directory cannot be read. */
export async function bundleFiles(directory: string): Promise<BundleFiles> {
  const isOwn = (name: string): boolean => own.has(name) || signatureNumber(name) > 0;
  // What the folder of the blobs is, is told below.
  const top = await list(directory, (name, kind) => name === folder || (kind === undefined && isOwn(name)));
  const signatures = top.names.filter((name) => signatureNumber(name) > 0).length;
  const tooMany =
    signatures > limits.signatures
      ? [extra(directory, "signatures", String(signatures), `at most ${limits.signatures}`)]
      : [];
  const broken = (await folderProblem(directory, folder)) ?? (await folderProblem(directory, inside.blobs));
  if (broken !== undefined)
    return { blobs: new Map(), unusable: new Set(), problems: [...top.problems, ...tooMany, broken] };
  const beside = await list(
    join(directory, folder),
    (name, kind) => `${folder}/${name}` === inside.blobs && kind === "a folder",
  );
  const among = await list(
    join(directory, inside.blobs),
    (name, kind) => kind === undefined && /^[0-9a-f]{64}$/.test(name),
  );
  return {
    blobs: await lengthsOf(join(directory, inside.blobs), among.names),
    unusable: among.others,
    problems: [top, beside, among].flatMap(({ problems }) => problems).concat(tooMany),
  };
}

async function lengthsOf(where: string, names: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const lengths = new Map<string, number>();
  for (let from = 0; from < names.length; from += lengthsAtOnce) {
    const some = names.slice(from, from + lengthsAtOnce);
    const found = await Promise.all(some.map((name) => lstat(join(where, name))));
    some.forEach((name, at) => lengths.set(name, found[at]?.size ?? 0));
  }
  return lengths;
}

const [folder = "blobs"] = inside.blobs.split("/");
const own: ReadonlySet<string> = new Set([inside.seal, inside.marker, inside.index, inside.lock]);
const lengthsAtOnce = 1_000;
/** So many that do not belong there are told by name. */
const mostTold = 20;

interface Listed {
  /** Those that belong there, sorted. */
  readonly names: readonly string[];
  readonly others: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

/** @param belongs what may be there; the kind is undefined for a regular file. */
async function list(
  where: string,
  belongs: (name: string, kind: string | undefined) => boolean,
): Promise<Listed> {
  const names: string[] = [];
  const others = new Map<string, string>();
  for await (const entry of await opendir(where)) {
    const kind = otherKind(entry);
    if (belongs(entry.name, kind)) names.push(entry.name);
    else others.set(entry.name, kind ?? "a file");
    if (names.length + others.size > limits.blobs) {
      const problems = [extra(where, "files", `more than ${limits.blobs}`, "those of a bundle")];
      return { names, others: new Set(others.keys()), problems };
    }
  }
  const told = [...others].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, mostTold);
  const problems = told.map(([name, kind]) => extra(where, printable(name), kind, onlyOurs));
  const rest = others.size - told.length;
  const more = rest > 0 ? [extra(where, `${rest} more`, "other names", onlyOurs)] : [];
  return { names: names.sort(), others: new Set(others.keys()), problems: [...problems, ...more] };
}

const onlyOurs = "only what a build writes";

async function folderProblem(directory: string, name: string): Promise<Problem | undefined> {
  const found = await lstat(join(directory, name)).catch(() => undefined);
  if (found?.isDirectory() === true) return undefined;
  const [code, got]: [ErrorCode, string] =
    found === undefined
      ? ["E_BUNDLE_INCOMPLETE", "no such folder"]
      : ["E_BUNDLE_DIGEST", otherKind(found) ?? "a file"];
  return {
    where: join(directory, name),
    code,
    subject: name,
    got,
    expected: "the folder of all blobs",
    todo: "copy the bundle again",
  };
}

function extra(where: string, subject: string, got: string, expected: string): Problem {
  const todo = "remove it, or copy the bundle again";
  return { where, code: "E_BUNDLE_DIGEST", subject, got, expected, todo };
}

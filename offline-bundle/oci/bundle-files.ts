/**
 * The files of a bundle directory: a closed list of regular files, and nothing else. Checks names and kinds only; no file is
 * read.
 */
import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import type { ErrorCode, Problem } from "../../modules/core/errors.ts";
import { inside, signatureNumber } from "../io/inside.ts";
import { limits } from "../io/limits.ts";
import { printable } from "../io/printable.ts";
import { otherKind } from "../io/regular-file.ts";

export interface BundleFiles {
  /** sha256 -> length in bytes of every regular file among the blobs that is named by a sha256. */
  readonly blobs: ReadonlyMap<string, number>;
  /** Names of blobs that are something else; they are among the problems. */
  readonly unusable: ReadonlySet<string>;
  /** E_BUNDLE_DIGEST for unexpected files, E_BUNDLE_INCOMPLETE without blobs. */
  readonly problems: readonly Problem[];
}

/** Lists the files of a bundle. @throws the error of the file system when the directory cannot be read. */
export async function bundleFiles(directory: string): Promise<BundleFiles> {
  const isOwn = (name: string): boolean => own.has(name) || signatureNumber(name) > 0;
  // The kind of the blobs folder is checked below.
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
  for (let from = 0; from < names.length; from += lengthConcurrency) {
    const some = names.slice(from, from + lengthConcurrency);
    const found = await Promise.all(some.map((name) => lstat(join(where, name))));
    some.forEach((name, at) => lengths.set(name, found[at]?.size ?? 0));
  }
  return lengths;
}

const [folder = "blobs"] = inside.blobs.split("/");
const own: ReadonlySet<string> = new Set([inside.manifest, inside.marker, inside.index, inside.lock]);
const lengthConcurrency = 1_000;
/** How many unexpected files are reported by name. */
const maxReported = 20;

interface Listed {
  /** The expected names, sorted. */
  readonly names: readonly string[];
  readonly others: ReadonlySet<string>;
  readonly problems: readonly Problem[];
}

/** @param belongs whether a name is expected; the kind is undefined for a regular file. */
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
      const problems = [extra(where, "files", `more than ${limits.blobs}`, "the files of a bundle")];
      return { names, others: new Set(others.keys()), problems };
    }
  }
  const reported = [...others].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, maxReported);
  const problems = reported.map(([name, kind]) => extra(where, printable(name), kind, buildFilesOnly));
  const rest = others.size - reported.length;
  const more = rest > 0 ? [extra(where, `${rest} more`, "other names", buildFilesOnly)] : [];
  return { names: names.sort(), others: new Set(others.keys()), problems: [...problems, ...more] };
}

const buildFilesOnly = "only files that a build writes";

async function folderProblem(directory: string, name: string): Promise<Problem | undefined> {
  const stats = await lstat(join(directory, name)).catch(() => undefined);
  if (stats?.isDirectory() === true) return undefined;
  const [code, found]: [ErrorCode, string] =
    stats === undefined
      ? ["E_BUNDLE_INCOMPLETE", "no such folder"]
      : ["E_BUNDLE_DIGEST", otherKind(stats) ?? "a file"];
  return {
    where: join(directory, name),
    code,
    subject: name,
    found,
    expected: "the folder of the blobs",
    fix: "copy the bundle again",
  };
}

function extra(where: string, subject: string, found: string, expected: string): Problem {
  const fix = "remove it, or copy the bundle again";
  return { where, code: "E_BUNDLE_DIGEST", subject, found, expected, fix };
}

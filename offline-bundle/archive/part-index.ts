/** `<file>.parts.json`: the parts of a split archive. The list is not signed; the content of the parts is. */
import { basename, dirname, join } from "node:path";
import { type Problem, refuse, SealiftError } from "../../modules/core/errors.ts";
import { type Digest, digestOf } from "../io/digest.ts";
import { isCount, isRecord, jsonOf } from "../io/json.ts";
import { limits } from "../io/limits.ts";
import { readRegular, UnusableFile } from "../io/regular-file.ts";

/** A part, by its file name. */
export interface Part extends Digest {
  readonly name: string;
}

export interface PartIndex {
  readonly format: 1;
  /** sha256 of the bundle manifest: identifies the bundle. */
  readonly manifest: string;
  /** All parts together. */
  readonly archive: Digest;
  readonly parts: readonly Part[];
}

/** `bundle.tar.zst` -> `bundle.tar.zst.002` */
export function partName(file: string, number: number): string {
  return `${file}.${String(number).padStart(3, "0")}`;
}

/** More parts would not sort by name. */
export const maxParts = 999;

export function partIndexName(file: string): string {
  return `${file}.parts.json`;
}

/** @throws {SealiftError} E_BUNDLE_PART when there is no list, or when a build did not write it. */
export async function readPartIndex(file: string): Promise<PartIndex> {
  const text = await readRegular(file, limits.list, "follow").catch((error: unknown) => {
    const found = error instanceof UnusableFile ? error.message : "no such file";
    throw wrong(file, found, "the part list beside the parts");
  });
  const index = jsonOf(text);
  if (isPartIndex(index)) return index;
  // Broken JSON and JSON of another shape are the same problem to the operator.
  throw wrong(file, "unknown format", "list format 1, as sealift bundle build --split writes it");
}

/** Parts that are missing or have the wrong length; reads none of them. */
async function partProblems(
  folder: string,
  { parts }: PartIndex,
  lengthOf: (path: string) => Promise<number | undefined>,
): Promise<readonly Problem[]> {
  const lengths = await Promise.all(parts.map(({ name }) => lengthOf(join(folder, name))));
  return parts.flatMap((part, at) => {
    const length = lengths[at];
    if (length === part.bytes) return [];
    return [partProblem(folder, part, parts, length === undefined ? "no such file" : `${length} bytes`)];
  });
}

/** Reads every part to find those that differ: slow, so it is called only after a failure. */
export async function differingParts(folder: string, { parts }: PartIndex): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const part of parts) {
    const { sha256 } = await digestOf(join(folder, part.name)).catch((error: unknown) => ({
      sha256: String(error),
    }));
    if (sha256 === part.sha256) continue;
    const other = parts.find((one) => one.sha256 === sha256);
    problems.push(
      partProblem(
        folder,
        part,
        parts,
        other === undefined ? `sha256 ${sha256}` : `the bytes of ${other.name}`,
      ),
    );
  }
  return problems;
}

/** @throws {SealiftError} E_BUNDLE_PART for parts of another bundle. */
export function refuseOtherBundle(file: string, index: PartIndex, manifest: string): void {
  if (index.manifest === manifest) return;
  throw wrong(
    file,
    `the parts belong to bundle ${manifest}`,
    `parts of the bundle ${index.manifest}, as listed`,
  );
}

function partProblem(folder: string, part: Part, parts: readonly Part[], found: string): Problem {
  return {
    where: folder,
    code: "E_BUNDLE_PART",
    subject: `${part.name} (part ${parts.indexOf(part) + 1} of ${parts.length})`,
    found,
    expected: `${part.bytes} bytes, sha256 ${part.sha256}`,
    fix: "copy this part again",
  };
}

function isPartIndex(value: unknown): value is PartIndex {
  if (!isRecord(value)) return false;
  const { format, manifest, archive, parts } = value;
  if (format !== 1 || typeof manifest !== "string" || !isDigest(archive) || !Array.isArray(parts))
    return false;
  if (!parts.every((part) => isDigest(part) && typeof part["name"] === "string")) return false;
  return isWhole(value as unknown as PartIndex);
}

function isDigest(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isRecord(value)) return false;
  return (
    isCount(value["bytes"]) && typeof value["sha256"] === "string" && /^[0-9a-f]{64}$/.test(value["sha256"])
  );
}

/** Checks every name before a file is opened: a list from elsewhere must not name files outside its folder. */
function isWhole({ parts, manifest, archive }: PartIndex): boolean {
  const sum = parts.reduce((bytes, part) => bytes + part.bytes, 0);
  const names = new Set(parts.map(({ name }) => name));
  return (
    /^[0-9a-f]{64}$/.test(manifest) &&
    parts.length > 0 &&
    parts.length <= maxParts &&
    names.size === parts.length &&
    parts.every(({ name }) => name === basename(name) && /^[^\p{C}]*\.\d{3}$/u.test(name)) &&
    sum === archive.bytes
  );
}

function wrong(file: string, found: string, expected: string): SealiftError {
  const problem: Problem = {
    where: dirname(file),
    code: "E_BUNDLE_PART",
    subject: basename(file),
    found,
    expected,
    fix: "copy it again, together with all parts",
  };
  return new SealiftError([problem]);
}

/** @throws {SealiftError} E_BUNDLE_PART for every invalid part. */
export async function refuseParts(
  folder: string,
  index: PartIndex,
  lengthOf: (path: string) => Promise<number | undefined>,
): Promise<void> {
  refuse(await partProblems(folder, index, lengthOf));
}

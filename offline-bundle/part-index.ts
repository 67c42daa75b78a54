/** `<file>.parts.json`: what a carried bundle was cut into. It is not signed; what is in the parts is. */
import { basename, dirname, join } from "node:path";
import { type Problem, refuse, SealiftError } from "../modules/core/errors.ts";
import { type Digest, digestOf } from "./digest.ts";
import { isCount, isRecord, jsonOf } from "./json.ts";
import { limits } from "./limits.ts";
import { readRegular, UnusableFile } from "./regular-file.ts";

/** A part, by its file name. */
export interface Part extends Digest {
  readonly name: string;
}

export interface PartIndex {
  readonly format: 1;
  /** sha256 of the bundle text: which bundle this is. */
  readonly seal: string;
  /** All parts one after another. */
  readonly whole: Digest;
  readonly parts: readonly Part[];
}

/** `bundle.tar.zst` -> `bundle.tar.zst.002` */
export function partName(file: string, number: number): string {
  return `${file}.${String(number).padStart(3, "0")}`;
}

/** More would not sort by name. */
export const mostParts = 999;

export function partIndexName(file: string): string {
  return `${file}.parts.json`;
}

/** @throws {SealiftError} E_BUNDLE_PART when there is none, or it is not what a build writes. */
export async function readPartIndex(file: string): Promise<PartIndex> {
  const text = await readRegular(file, limits.list, "follow").catch((error: unknown) => {
    const got = error instanceof UnusableFile ? error.message : "no such file";
    throw wrong(file, got, "the list of the parts, carried with them");
  });
  const index = jsonOf(text);
  if (isPartIndex(index)) return index;
  // Broken JSON and JSON of another shape are the same to a person.
  throw wrong(file, "a text of another shape", "what sealift bundle build --split wrote, format 1");
}

/** Parts that are not there or not as long as they must be; reads none of them. */
export async function partProblems(
  folder: string,
  { parts }: PartIndex,
  lengthOf: (path: string) => Promise<number | undefined>,
): Promise<readonly Problem[]> {
  const lengths = await Promise.all(parts.map(({ name }) => lengthOf(join(folder, name))));
  return parts.flatMap((part, at) => {
    const length = lengths[at];
    if (length === part.bytes) return [];
    return [say(folder, part, parts, length === undefined ? "no such file" : `${length} bytes`)];
  });
}

/** Reads every part to find the ones that differ: slow, for when it is known that something does. */
export async function differingParts(folder: string, { parts }: PartIndex): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  for (const part of parts) {
    const { sha256 } = await digestOf(join(folder, part.name)).catch((error: unknown) => ({
      sha256: String(error),
    }));
    if (sha256 === part.sha256) continue;
    const other = parts.find((one) => one.sha256 === sha256);
    problems.push(
      say(folder, part, parts, other === undefined ? `sha256 ${sha256}` : `the bytes of ${other.name}`),
    );
  }
  return problems;
}

/** Parts of one bundle only. @throws {SealiftError} E_BUNDLE_PART */
export function refuseOtherBundle(file: string, index: PartIndex, seal: string): void {
  if (index.seal === seal) return;
  throw wrong(file, `parts of the bundle ${seal}`, `those of the bundle ${index.seal}, as listed`);
}

function say(folder: string, part: Part, parts: readonly Part[], got: string): Problem {
  return {
    where: folder,
    code: "E_BUNDLE_PART",
    subject: `${part.name} (part ${parts.indexOf(part) + 1} of ${parts.length})`,
    got,
    expected: `${part.bytes} bytes, sha256 ${part.sha256}`,
    todo: "copy this part again",
  };
}

function isPartIndex(value: unknown): value is PartIndex {
  if (!isRecord(value)) return false;
  const { format, seal, whole, parts } = value;
  if (format !== 1 || typeof seal !== "string" || !isDigest(whole) || !Array.isArray(parts)) return false;
  if (!parts.every((part) => isDigest(part) && typeof part["name"] === "string")) return false;
  return isWhole(value as unknown as PartIndex);
}

function isDigest(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isRecord(value)) return false;
  return (
    isCount(value["bytes"]) && typeof value["sha256"] === "string" && /^[0-9a-f]{64}$/.test(value["sha256"])
  );
}

/** Names are checked before anything is opened: a list from elsewhere must not point outside its folder. */
function isWhole({ parts, seal, whole }: PartIndex): boolean {
  const sum = parts.reduce((bytes, part) => bytes + part.bytes, 0);
  const names = new Set(parts.map(({ name }) => name));
  return (
    /^[0-9a-f]{64}$/.test(seal) &&
    parts.length > 0 &&
    parts.length <= mostParts &&
    names.size === parts.length &&
    parts.every(({ name }) => name === basename(name) && /^[^\p{C}]*\.\d{3}$/u.test(name)) &&
    sum === whole.bytes
  );
}

function wrong(file: string, got: string, expected: string): SealiftError {
  const problem: Problem = {
    where: dirname(file),
    code: "E_BUNDLE_PART",
    subject: basename(file),
    got,
    expected,
    todo: "copy it again, together with all parts",
  };
  return new SealiftError([problem]);
}

/** @throws {SealiftError} E_BUNDLE_PART for every part that cannot be right. */
export async function refuseParts(
  folder: string,
  index: PartIndex,
  lengthOf: (path: string) => Promise<number | undefined>,
): Promise<void> {
  refuse(await partProblems(folder, index, lengthOf));
}

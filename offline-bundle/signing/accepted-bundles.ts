/**
 * The bundles that a site has accepted: a list beside the allowed signers file, oldest first, append-only. It prevents the return
 * of a signed but older bundle.
 */
import { SealiftError } from "../../modules/core/errors.ts";
import { writeAtomically } from "../../modules/core/write-atomically.ts";
import { isCount, isRecord, jsonOf } from "../io/json.ts";
import { limits } from "../io/limits.ts";
import { readRegular } from "../io/regular-file.ts";

/** One accepted bundle. */
export interface AcceptedRecord {
  readonly serial: number;
  /** Of sealift.json, which covers everything else in the bundle. */
  readonly manifestSha256: string;
  readonly lockSha256: string;
  readonly indexSha256: string;
  readonly signers: readonly string[];
  /**
   * Fingerprints of the trusted keys that signed, and of the CAs of certificates among them, `SHA256:…`, sorted: a name is only
   * what the allowed signers file calls a key. Absent in records of an earlier Sealift.
   */
  readonly keys?: readonly string[];
  /** UTC, `2026-11-21T17:36:08Z`. */
  readonly at: string;
  /** Who accepted it: `login@machine`. */
  readonly by: string;
  /** The --insecure flags that overrode a refusal; normally empty. */
  readonly insecure: readonly string[];
}

/** `<allowed signers>.accepted.json` */
export function acceptedBundlesFile(allowedSigners: string): string {
  return `${allowedSigners}.accepted.json`;
}

/**
 * All accepted bundles, oldest first; empty when there are none.
 *
 * @throws {SealiftError} E_VALUE when the file exists and is not such a list: without it an older bundle would also be accepted.
 */
export async function readAcceptedBundles(file: string): Promise<readonly AcceptedRecord[]> {
  const text = await readRegular(file, limits.accepted, "follow").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unusable(file, error instanceof Error ? error.message : String(error));
  });
  if (text === undefined) return [];
  const list = parse(text);
  if (list === undefined) throw unusable(file, "unknown format");
  return list;
}

/** Appends a record atomically: a reader sees the old list or the new one. */
export async function appendAcceptedBundle(file: string, accepted: AcceptedRecord): Promise<void> {
  const list = [...(await readAcceptedBundles(file)), accepted];
  await writeAtomically(file, `${JSON.stringify(list, undefined, 2)}\n`);
}

function parse(text: Uint8Array): readonly AcceptedRecord[] | undefined {
  const list = jsonOf(text);
  return Array.isArray(list) && list.every(isAccepted) ? list : undefined;
}

function isAccepted(value: unknown): value is AcceptedRecord {
  if (!isRecord(value)) return false;
  const { serial, manifestSha256, lockSha256, indexSha256, signers, keys = [], at, by, insecure } = value;
  return (
    isCount(serial) &&
    [manifestSha256, lockSha256, indexSha256, at, by].every((one) => typeof one === "string") &&
    [signers, keys, insecure].every(
      (list) => Array.isArray(list) && list.every((one) => typeof one === "string"),
    )
  );
}

function unusable(file: string, found: string): SealiftError {
  return new SealiftError([
    {
      where: file,
      code: "E_VALUE",
      subject: "accepted bundles",
      found,
      expected: "the list that sealift bundle accept writes",
      fix: "restore it from version control or a backup: it is needed to refuse older bundles",
    },
  ]);
}

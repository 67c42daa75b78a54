/**
 * What a site has accepted: a list beside the allowed signers file, oldest first, that only grows. It is what keeps a
 * signed but older bundle from coming back.
 */
import { SealiftError } from "../modules/core/errors.ts";
import { writeWhole } from "../modules/core/write-whole.ts";
import { isCount, isRecord, jsonOf } from "./json.ts";
import { limits } from "./limits.ts";
import { readRegular } from "./regular-file.ts";

/** One bundle that was accepted. */
export interface Accepted {
  readonly serial: number;
  /** Of sealift.json: everything else in the bundle hangs on it. */
  readonly sealSha256: string;
  readonly lockSha256: string;
  readonly indexSha256: string;
  readonly signers: readonly string[];
  /**
   * Fingerprints of the keys that have signed and count, and of the authorities of certificates among them, `SHA256:…`, sorted: a name is
   * only what the allowed signers file calls a key. Absent in what an earlier Sealift wrote.
   */
  readonly keys?: readonly string[];
  /** UTC, `2026-11-21T17:36:08Z`. */
  readonly at: string;
  /** Who accepted it: `login@machine`. */
  readonly by: string;
  /** The flags that were given to let pass what is refused otherwise; empty is the rule. */
  readonly insecure: readonly string[];
}

/** `<allowed signers>.accepted.json` */
export function receiptFile(allowedSigners: string): string {
  return `${allowedSigners}.accepted.json`;
}

/**
 * Everything that was accepted, oldest first; nothing when nothing was.
 *
 * @throws {SealiftError} E_VALUE when the file is there and is no such list: without it an older bundle would pass.
 */
export async function readReceipt(file: string): Promise<readonly Accepted[]> {
  const text = await readRegular(file, limits.accepted, "follow").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw unusable(file, error instanceof Error ? error.message : String(error));
  });
  if (text === undefined) return [];
  const list = parse(text);
  if (list === undefined) throw unusable(file, "a text of another shape");
  return list;
}

/** Adds one to the list, in one step: a reader sees the old list or the new one. */
export async function appendReceipt(file: string, accepted: Accepted): Promise<void> {
  const list = [...(await readReceipt(file)), accepted];
  await writeWhole(file, `${JSON.stringify(list, undefined, 2)}\n`);
}

function parse(text: Uint8Array): readonly Accepted[] | undefined {
  const list = jsonOf(text);
  return Array.isArray(list) && list.every(isAccepted) ? list : undefined;
}

function isAccepted(value: unknown): value is Accepted {
  if (!isRecord(value)) return false;
  const { serial, sealSha256, lockSha256, indexSha256, signers, keys = [], at, by, insecure } = value;
  return (
    isCount(serial) &&
    [sealSha256, lockSha256, indexSha256, at, by].every((one) => typeof one === "string") &&
    [signers, keys, insecure].every(
      (list) => Array.isArray(list) && list.every((one) => typeof one === "string"),
    )
  );
}

function unusable(file: string, got: string): SealiftError {
  return new SealiftError([
    {
      where: file,
      code: "E_VALUE",
      subject: "accepted bundles",
      got,
      expected: "the list that sealift bundle accept wrote",
      todo: "put it back from version control or a backup: it keeps older bundles out",
    },
  ]);
}

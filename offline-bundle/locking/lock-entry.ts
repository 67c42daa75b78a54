/** From an entry of bundle.yaml to its pin. */
import { type Problem, refuse, SealiftError } from "../../modules/core/errors.ts";
import { agreeing } from "./checksums.ts";
import { debProblems, insideOf, npmProblems, pinContentProblems } from "./pin-content.ts";
import { digestOf } from "../io/digest.ts";
import { selfComputed, packageLock, hasMembers, isComplete, type LockedFile } from "../spec/lock-file.ts";
import { fetchFile, type Pin, presentFile, type Sources } from "../fetching/fetch-file.ts";
import { originOf, type Origin } from "../spec/origin.ts";
import { loweredProblem } from "./origin-policy.ts";
import { type SignedOrigin, signedOrigin } from "./signed-origin.ts";
import { type CachedFile, OtherBytes } from "../fetching/download-cache.ts";
import { isPublishers, isAttested, recordAttested } from "./attestation.ts";
import { isUnreachable } from "../http/download-problem.ts";
import { fileOf, label, type FileSourceSpec, type FileSpec } from "../spec/bundle-spec.ts";

/**
 * added: a new pin · checked: local bytes match the pin · filled: length, members or a source were added to a pin · updated:
 * resolved again, as requested · kept: the pin is unchanged, its bytes were not examined · unseen: kept, because the bytes could
 * not be fetched · removed.
 */
export type LockChange = "added" | "checked" | "filled" | "updated" | "kept" | "unseen" | "removed";

export interface LockedEntry {
  readonly pin: LockedFile;
  readonly change: LockChange;
}

/**
 * Keeps a complete pin; otherwise examines the bytes, the publisher's checksum files, and the content of the file.
 *
 * @param old the existing pin.
 * @param update resolves the pin again in any case.
 * @param check refuses a publisher's origin when the publisher cannot be reached, unless this machine asked before; and compares
 * the recorded content of a file where it is cached.
 * @throws {SealiftError} E_DOWNLOAD, E_DOWNLOAD_SHA256, E_PIN_MISMATCH, E_PIN_SOURCES, E_PIN_SIGNATURE, E_PIN_ORIGIN, E_ARCHIVE,
 * E_NO_SPACE, E_TOOL.
 */
export async function lockEntry(
  entry: FileSourceSpec,
  old: LockedFile | undefined,
  { update, check }: { readonly update: boolean; readonly check: boolean },
  sources: Sources,
  report: (text: string, fraction?: number) => void,
): Promise<LockedEntry> {
  const { checksums } = entry;
  const file = fileOf(entry);
  const pin = update ? undefined : old;
  const earlier =
    pin?.url === file.url &&
    pin.kind === file.kind &&
    pin.package === file.package &&
    pin.integrity === file.integrity
      ? pin
      : undefined;
  const attested = checksums.every((url) => earlier?.sources.includes(url));
  const asks = entry.signature !== undefined || entry.apt !== undefined;
  const complete = earlier !== undefined && isComplete(earlier) && !file.url.startsWith("file:");
  try {
    if (complete && attested && !asks) {
      const kept = { ...withoutOrigin(earlier), ...file, ...originFor(entry, earlier, undefined) };
      refuseLowered(entry, old, kept);
      // A person who can write the lock could have written the origin: it is trusted once this machine has asked the publisher.
      if (checksums.length > 0 && !(await isAttested(entry, kept, sources))) {
        await agreeing(entry, earlier.sha256, earlier.sha256, sources);
        await recordAttested(entry, kept, sources);
      }
      return { pin: kept, change: check && (await compared(kept, sources)) ? "checked" : "kept" };
    }
    if (complete && attested) {
      // A signature is verified every time, even when the bytes of the pin need not be examined.
      const here = await presentFile(earlier, sources);
      let signed = await signedOrigin(entry, earlier.sha256, here, sources);
      // A signature over bytes that are not local was verified when they were, if the cache has a record of it.
      if (signed === undefined && !(isPublishers(earlier) && (await isAttested(entry, earlier, sources)))) {
        const { path } = await bytesOf(entry, earlier, sources, report);
        signed = await signedOrigin(entry, earlier.sha256, path, sources);
      }
      const kept = { ...withoutOrigin(earlier), ...file, ...originFor(entry, earlier, signed) };
      refuseLowered(entry, old, kept);
      if (signed !== undefined) await recordAttested(entry, kept, sources);
      if (check) await compared(kept, sources);
      return { pin: kept, change: "checked" };
    }
    const found = await bytesOf(entry, pin, sources, report);
    const agreed = await agreeing(entry, found.sha256, pin?.sha256, sources);
    const signed = await signedOrigin(entry, found.sha256, found.path, sources);
    const made = await describe(file, found);
    const before = pin ?? (old?.sha256 === found.sha256 ? old : undefined);
    const places = [...new Set([...(before?.sources ?? []), ...agreed, ...(signed?.sources ?? [])])];
    const none = file.integrity === undefined ? selfComputed : packageLock;
    const known = { ...made, sources: places.length > 0 ? places : [none] };
    const next = { ...known, ...originFor(entry, before, signed) };
    if (!update) refuseLowered(entry, old, next);
    if (isPublishers(next)) await recordAttested(entry, next, sources);
    return { pin: next, change: update ? "updated" : pin === undefined ? "added" : lengthLearned(pin, next) };
  } catch (error) {
    // A pin that others attest is valid without its bytes; a build will fetch them.
    if (earlier === undefined || !isUnreachable(error)) throw error;
    if (check && isPublishers(earlier) && !(await isAttested(entry, earlier, sources)))
      throw new SealiftError([unreachablePinProblem(entry, earlier, error)]);
    return { pin: { ...earlier, ...file }, change: "unseen" };
  }
}

/** @param before the pin that stays; agreements that a person recorded are kept. */
function originFor(
  { checksums, signature, apt, integrity }: FileSourceSpec,
  before: LockedFile | undefined,
  signed: SignedOrigin | undefined,
): { readonly origin: Origin; readonly signedBy?: string } {
  if (signed !== undefined) return { origin: "signature", signedBy: signed.signedBy };
  const had = before === undefined ? "unverified" : originOf(before);
  const signedBy = before?.signedBy ?? "";
  // The publisher was not asked this time: the cache has a record of an earlier check.
  if (had === "signature" && (signature ?? apt)?.fingerprints.includes(signedBy) === true)
    return { origin: "signature", signedBy };
  if (checksums.length > 0 || integrity !== undefined) return { origin: "checksum" };
  return { origin: had === "agreement" ? had : "unverified" };
}

function withoutOrigin(pin: LockedFile): LockedFile {
  return Object.fromEntries(
    Object.entries(pin).filter(([key]) => key !== "origin" && key !== "signedBy"),
  ) as unknown as LockedFile;
}

function refuseLowered(entry: FileSourceSpec, old: LockedFile | undefined, next: LockedFile): void {
  const problem = loweredProblem(entry, old, next);
  if (problem !== undefined) throw new SealiftError([problem]);
}

/**
 * Compares the recorded content of a file with its bytes where they are cached.
 *
 * @returns whether they are.
 * @throws {SealiftError} E_PIN_MISMATCH, E_ARCHIVE.
 */
async function compared(pin: LockedFile, sources: Sources): Promise<boolean> {
  const path = await presentFile(pin, sources);
  const here = path === undefined ? undefined : await digestOf(path);
  // A cached file with other bytes is replaced by the next fetch.
  if (path === undefined || here?.sha256 !== pin.sha256) return false;
  refuse(await pinContentProblems(pin, path, here.bytes));
  return true;
}

function unreachablePinProblem(entry: FileSourceSpec, pin: LockedFile, error: unknown): Problem {
  const cause = error instanceof SealiftError ? error.problems.map(({ found }) => found).join("; ") : "";
  return {
    where: entry.url,
    code: "E_PIN_ORIGIN",
    subject: label(entry),
    found: `${originOf(pin)} according to the lock; the publisher could not be reached (${cause}), and the download cache has no record of an earlier check`,
    expected: "a check against the publisher from this machine",
    fix: "run the command again on a network from which the publisher can be reached",
  };
}

/** With a pin, only pinned bytes are accepted; other bytes are reported beside the publisher's values. */
async function bytesOf(
  entry: FileSourceSpec,
  pin: LockedFile | undefined,
  sources: Sources,
  report: (text: string, fraction?: number) => void,
): Promise<CachedFile & { readonly manifest?: string }> {
  // Without its length: the other bytes are fetched completely, so that their hash can be reported.
  const expected = pin === undefined ? undefined : withoutLength(pin);
  try {
    return await fetchFile(entry, expected, sources, (done, total) => {
      report(label(entry), total === undefined ? undefined : done / total);
    });
  } catch (error) {
    if (error instanceof OtherBytes && pin !== undefined && entry.checksums.length > 0)
      await agreeing(entry, error.found.sha256, pin.sha256, sources);
    throw error;
  }
}

function withoutLength({ sha256, bytes, manifest }: LockedFile): Pin {
  return {
    sha256,
    ...(bytes === undefined ? {} : { most: bytes }),
    ...(manifest === undefined ? {} : { manifest }),
  };
}

/** The properties of a pin other than its origin. @throws {SealiftError} E_ARCHIVE, E_PIN_MISMATCH, E_TOOL */
async function describe(
  file: FileSpec,
  { bytes, sha256, path, manifest }: CachedFile & { readonly manifest?: string },
): Promise<Omit<LockedFile, "sources">> {
  if (file.kind === "deb") refuse(await debProblems(file, path));
  if (file.kind === "npm") refuse(await npmProblems(file, path));
  return {
    ...file,
    ...{ bytes, sha256 },
    ...(manifest === undefined ? {} : { manifest }),
    ...(hasMembers(file) ? { members: await insideOf(file, path) } : {}),
  };
}

function lengthLearned(pin: LockedFile, next: LockedFile): LockChange {
  return isComplete(pin) && pin.sources.length === next.sources.length ? "checked" : "filled";
}

/** From an entry of bundle.yaml to its pin. */
import { type Problem, refuse, SealiftError } from "../modules/core/errors.ts";
import { agreeing } from "./checksums.ts";
import { debProblems } from "./deb.ts";
import { digestOf } from "./digest.ts";
import { computedHere, hasMembers, isComplete, type LockedFile } from "./lock-file.ts";
import { insideOf, pinContentProblems } from "./pin-content.ts";
import { obtainFile, type Pin, presentFile, type Sources } from "./obtain-file.ts";
import { loweredProblem, originOf, type Origin } from "./origin.ts";
import { type SignedOrigin, signedOrigin } from "./signed-origin.ts";
import { type Obtained, OtherBytes } from "./store.ts";
import { isPublishers, isUnreachable, isVouched, noteVouched } from "./vouching.ts";
import { fileOf, label, type WantedEntry, type WantedFile } from "./want.ts";

/** added: a new pin · checked: bytes here match the pin · filled: length, members or a source were added to a pin ·
 * updated: resolved anew, as asked · kept: the pin stands, its bytes were not looked at · unseen: kept, because the bytes
 * could not be had · removed. */
export type Change = "added" | "checked" | "filled" | "updated" | "kept" | "unseen" | "removed";

export interface LockedEntry {
  readonly pin: LockedFile;
  readonly change: Change;
}

/**
 * Keeps a pin that says all there is to say; otherwise looks at the bytes, at what upstream's checksum files say of them, and
 * at what is inside.
 *
 * @param old the pin that is there.
 * @param update the pin is made anew, whatever it is. @param check a publisher's rank of which nobody can be asked is refused, unless
 * somebody was asked from this machine before; and what the lock says of the inside of a file is compared where the store has it.
 * @throws {SealiftError} E_DOWNLOAD, E_DOWNLOAD_SHA256, E_PIN, E_PIN_SOURCES, E_PIN_SIGNATURE, E_PIN_ORIGIN, E_ARCHIVE, E_SPACE, E_TOOL.
 */
export async function lockEntry(
  entry: WantedEntry,
  old: LockedFile | undefined,
  { update, check }: { readonly update: boolean; readonly check: boolean },
  sources: Sources,
  report: (text: string, fraction?: number) => void,
): Promise<LockedEntry> {
  const { checksums } = entry;
  const file = fileOf(entry);
  const pin = update ? undefined : old;
  const standing =
    pin?.url === file.url && pin.kind === file.kind && pin.package === file.package ? pin : undefined;
  const vouched = checksums.every((url) => standing?.sources.includes(url));
  const asks = entry.signature !== undefined || entry.apt !== undefined;
  const complete = standing !== undefined && isComplete(standing) && !file.url.startsWith("file:");
  try {
    if (complete && vouched && !asks) {
      const kept = { ...withoutOrigin(standing), ...file, ...originFor(entry, standing, undefined) };
      refuseLowered(entry, old, kept);
      // Whoever may write the lock may have written the rank: once the publisher was asked from this machine, it is known.
      if (checksums.length > 0 && !(await isVouched(entry, kept, sources))) {
        await agreeing(entry, standing.sha256, standing.sha256, sources);
        await noteVouched(entry, kept, sources);
      }
      return { pin: kept, change: check && (await compared(kept, sources)) ? "checked" : "kept" };
    }
    if (complete && vouched) {
      // A signature is asked for every time, also of a pin whose bytes need not be looked at.
      const here = await presentFile(standing, sources);
      let signed = await signedOrigin(entry, standing.sha256, here, sources);
      // One over bytes that are not here was checked when they were, if the store says so.
      if (signed === undefined && !(isPublishers(standing) && (await isVouched(entry, standing, sources)))) {
        const { path } = await bytesOf(entry, standing, sources, report);
        signed = await signedOrigin(entry, standing.sha256, path, sources);
      }
      const kept = { ...withoutOrigin(standing), ...file, ...originFor(entry, standing, signed) };
      refuseLowered(entry, old, kept);
      if (signed !== undefined) await noteVouched(entry, kept, sources);
      if (check) await compared(kept, sources);
      return { pin: kept, change: "checked" };
    }
    const got = await bytesOf(entry, pin, sources, report);
    const agreed = await agreeing(entry, got.sha256, pin?.sha256, sources);
    const signed = await signedOrigin(entry, got.sha256, got.path, sources);
    const made = await describe(file, got);
    const before = pin ?? (old?.sha256 === got.sha256 ? old : undefined);
    const places = [...new Set([...(before?.sources ?? []), ...agreed, ...(signed?.sources ?? [])])];
    const known = { ...made, sources: places.length > 0 ? places : [computedHere] };
    const next = { ...known, ...originFor(entry, before, signed) };
    if (!update) refuseLowered(entry, old, next);
    if (isPublishers(next)) await noteVouched(entry, next, sources);
    return { pin: next, change: update ? "updated" : pin === undefined ? "added" : seen(pin, next) };
  } catch (error) {
    // A pin that others vouch for is good without its bytes; a build will ask for them.
    if (standing === undefined || !isUnreachable(error)) throw error;
    if (check && isPublishers(standing) && !(await isVouched(entry, standing, sources)))
      throw new SealiftError([unseenProblem(entry, standing, error)]);
    return { pin: { ...standing, ...file }, change: "unseen" };
  }
}

/** @param before the pin that stays; what a person has found of other parties is theirs to write, and is kept. */
function originFor(
  { checksums, signature, apt }: WantedEntry,
  before: LockedFile | undefined,
  signed: SignedOrigin | undefined,
): { readonly origin: Origin; readonly signedBy?: string } {
  if (signed !== undefined) return { origin: "signature", signedBy: signed.signedBy };
  const had = before === undefined ? "unverified" : originOf(before);
  const signedBy = before?.signedBy ?? "";
  // Nobody was asked this time: the store says that somebody was.
  if (had === "signature" && (signature ?? apt)?.fingerprints.includes(signedBy) === true)
    return { origin: "signature", signedBy };
  if (checksums.length > 0) return { origin: "checksum" };
  return { origin: had === "agreement" ? had : "unverified" };
}

function withoutOrigin(pin: LockedFile): LockedFile {
  return Object.fromEntries(
    Object.entries(pin).filter(([key]) => key !== "origin" && key !== "signedBy"),
  ) as unknown as LockedFile;
}

function refuseLowered(entry: WantedEntry, old: LockedFile | undefined, next: LockedFile): void {
  const problem = loweredProblem(entry, old, next);
  if (problem !== undefined) throw new SealiftError([problem]);
}

/** What a lock says of the inside of a file, with its bytes where the store has them. @returns whether it has. @throws {SealiftError} E_PIN, E_ARCHIVE. */
async function compared(pin: LockedFile, sources: Sources): Promise<boolean> {
  const path = await presentFile(pin, sources);
  const here = path === undefined ? undefined : await digestOf(path);
  // What the store has of other bytes, a fetch replaces.
  if (path === undefined || here?.sha256 !== pin.sha256) return false;
  refuse(await pinContentProblems(pin, path, here.bytes));
  return true;
}

function unseenProblem(entry: WantedEntry, pin: LockedFile, error: unknown): Problem {
  const said = error instanceof SealiftError ? error.problems.map(({ got }) => got).join("; ") : "";
  return {
    where: entry.url,
    code: "E_PIN_ORIGIN",
    subject: label(entry),
    got: `${originOf(pin)}, as the lock says; nobody could be asked (${said}), and nothing in the store says that somebody was`,
    expected: "the publisher's word, asked for from this machine",
    todo: "run it again where the publisher can be reached",
  };
}

/** With a pin, nothing but what is pinned; what came instead is put beside what upstream says. */
async function bytesOf(
  entry: WantedEntry,
  pin: LockedFile | undefined,
  sources: Sources,
  report: (text: string, fraction?: number) => void,
): Promise<Obtained & { readonly manifest?: string }> {
  // Without its length: what came instead is to be had whole, so that it can be named.
  const wanted = pin === undefined ? undefined : withoutLength(pin);
  try {
    return await obtainFile(entry, wanted, sources, (done, total) => {
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

/** What a pin says besides where it comes from. @throws {SealiftError} E_ARCHIVE, E_PIN, E_TOOL */
async function describe(
  file: WantedFile,
  { bytes, sha256, path, manifest }: Obtained & { readonly manifest?: string },
): Promise<Omit<LockedFile, "sources">> {
  if (file.kind === "deb") {
    const problems = await debProblems(file, path);
    if (problems.length > 0) throw new SealiftError(problems);
  }
  return {
    ...file,
    ...{ bytes, sha256 },
    ...(manifest === undefined ? {} : { manifest }),
    ...(hasMembers(file) ? { members: await insideOf(file, path) } : {}),
  };
}

function seen(pin: LockedFile, next: LockedFile): Change {
  return isComplete(pin) && pin.sources.length === next.sources.length ? "checked" : "filled";
}

/**
 * Whether a rank that stands in a lock is true: anybody who may write the lock could have written it. It counts once this machine has asked
 * the publisher, now or before, and the store notes what was asked.
 */
import { access, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { refuse, SealiftError } from "../modules/core/errors.ts";
import { writeWhole } from "../modules/core/write-whole.ts";
import { agreeing } from "./checksums.ts";
import { digestOfBytes, hexDigits } from "./digest.ts";
import type { Lock, LockedFile } from "./lock-file.ts";
import { obtainFile, presentFile, type Sources } from "./obtain-file.ts";
import { againstRecord, originOf, rank } from "./origin.ts";
import { inParallel } from "./parallel.ts";
import { type SignedOrigin, signedOrigin } from "./signed-origin.ts";
import { label, type Want, type WantedEntry } from "./want.ts";

/** Label of a file -> why the rank that its lock records does not count on this machine. */
export type Unproven = ReadonlyMap<string, string>;

/**
 * Asks for every publisher's rank of a lock on which a build rests and of which the store says nothing. Nobody is asked about a pin that
 * bundle.yaml lets in without it.
 *
 * @returns those of whom nobody could be asked.
 * @throws {SealiftError} E_PIN_SIGNATURE and E_PIN_SOURCES when a publisher says something else than the lock; E_TOOL without gpgv; what
 * brings a file here whose signature is over its own bytes.
 */
export async function unproven(
  { files, minOrigin, confirmed }: Want,
  lock: Lock,
  sources: Sources,
): Promise<Unproven> {
  const asked = lock.files.flatMap((pin) => {
    const entry = files.find((one) => label(one) === label(pin));
    const rests = entry !== undefined && isPublishers(pin) && againstRecord(pin, entry) === undefined;
    const letIn = rank(minOrigin) === 0 || confirmed.some(({ sha256 }) => sha256 === pin.sha256);
    return rests && !letIn ? [{ pin, entry }] : [];
  });
  const { values, problems } = await inParallel(asked, atOnce, async ({ pin, entry }) => {
    const why = await ask(entry, pin, sources);
    return [label(pin), why] as const;
  });
  refuse(problems);
  return new Map(values.flatMap(([name, why]) => (why === undefined ? [] : [[name, why] as const])));
}

/** Files at a time. */
const atOnce = 4;

/** Whether a rank is a publisher's word; an agreement is what a person has found, and theirs to write. */
export function isPublishers(pin: Pick<LockedFile, "origin">): boolean {
  return originOf(pin) === "signature" || originOf(pin) === "checksum";
}

/** @returns why it does not count; undefined when it does. */
async function ask(entry: WantedEntry, pin: LockedFile, sources: Sources): Promise<string | undefined> {
  if (await isVouched(entry, pin, sources)) return undefined;
  try {
    if (originOf(pin) === "checksum") await agreeing(entry, pin.sha256, pin.sha256, sources);
    else {
      const { signedBy } = await signed(entry, pin, sources);
      if (signedBy !== pin.signedBy) return `it is signed by ${signedBy}`;
    }
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    return "nobody could be asked from here, and nothing in the store says that somebody was";
  }
  await noteVouched(entry, pin, sources);
  return undefined;
}

/** A signature over the file itself needs its bytes. */
async function signed(entry: WantedEntry, pin: LockedFile, sources: Sources): Promise<SignedOrigin> {
  const here = await presentFile(pin, sources);
  const found = await signedOrigin(entry, pin.sha256, here, sources);
  if (found !== undefined) return found;
  const { path } = await obtainFile(pin, pin, sources);
  return (await signedOrigin(entry, pin.sha256, path, sources)) ?? { signedBy: "nobody", sources: [] };
}

/** Whether somebody was asked from this machine, by what bundle.yaml names today, about these very bytes. */
export async function isVouched(
  entry: WantedEntry,
  pin: Pick<LockedFile, "sha256" | "origin" | "signedBy">,
  { store }: Pick<Sources, "store">,
): Promise<boolean> {
  return access(noteOf(entry, pin, store)).then(
    () => true,
    () => false,
  );
}

/** Writes down that the publisher was asked and has said this. */
export async function noteVouched(
  entry: WantedEntry,
  pin: Pick<LockedFile, "sha256" | "origin" | "signedBy">,
  { store }: Pick<Sources, "store">,
): Promise<void> {
  const note = noteOf(entry, pin, store);
  await mkdir(dirname(note), { recursive: true });
  await writeWhole(note, "");
}

/** Says by its name what was asked: `<store>/vouched/<sha256 of the file>/<sha256 of the rank and of what bundle.yaml asks>`. @throws {SealiftError} E_VALUE. */
function noteOf(
  { name, version, platform, url, checksums, signature, apt }: WantedEntry,
  pin: Pick<LockedFile, "sha256" | "origin" | "signedBy">,
  store: string,
): string {
  const asked = { rank: originOf(pin), signedBy: pin.signedBy, name, version, platform, url, checksums };
  const { sha256 } = digestOfBytes(JSON.stringify({ ...asked, signature, apt }));
  return join(store, "vouched", hexDigits(pin.sha256), sha256);
}

/** Whether nothing is wrong but that nobody answers. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof SealiftError && error.problems.every(({ code }) => code === "E_DOWNLOAD");
}

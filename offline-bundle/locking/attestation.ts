/**
 * Whether an origin recorded in a lock is true: anybody who can write the lock could have written it. It is trusted once this
 * machine has asked the publisher, now or earlier, and the cache has a record of that.
 */
import { access, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { refuse } from "../../modules/core/errors.ts";
import { writeAtomically } from "../../modules/core/write-atomically.ts";
import { agreeing } from "./checksums.ts";
import { digestOfBytes, hexDigits } from "../io/digest.ts";
import type { Lock, LockedFile } from "../spec/lock-file.ts";
import { fetchFile, presentFile, type Sources } from "../fetching/fetch-file.ts";
import { originOf, rank } from "../spec/origin.ts";
import { againstRecord } from "./origin-policy.ts";
import { inParallel } from "../io/parallel.ts";
import { type SignedOrigin, signedOrigin } from "./signed-origin.ts";
import { label, type BundleSpec, type FileSourceSpec } from "../spec/bundle-spec.ts";
import { isUnreachable } from "../http/download-problem.ts";

/** Label of a file -> why its recorded origin is not trusted on this machine. */
export type UnattestedPins = ReadonlyMap<string, string>;

/**
 * Asks the publisher about every recorded origin on which a build relies and for which the cache has no record. Pins that
 * bundle.yaml admits without it are skipped.
 *
 * @returns the pins whose publisher could not be reached.
 * @throws {SealiftError} E_PIN_SIGNATURE and E_PIN_SOURCES when a publisher contradicts the lock; E_TOOL without gpgv; the errors
 * of fetching a file whose signature covers its own bytes.
 */
export async function unattested(
  { files, minOrigin, confirmed }: BundleSpec,
  lock: Lock,
  sources: Sources,
): Promise<UnattestedPins> {
  const questions = lock.files.flatMap((pin) => {
    const entry = files.find((one) => label(one) === label(pin));
    const rests = entry !== undefined && isAsked(pin) && againstRecord(pin, entry) === undefined;
    const letIn = rank(minOrigin) === 0 || confirmed.some(({ sha256 }) => sha256 === pin.sha256);
    return rests && !letIn ? [{ pin, entry }] : [];
  });
  const { values, problems } = await inParallel(questions, concurrency, async ({ pin, entry }) => {
    const why = await attest(entry, pin, sources);
    return [label(pin), why] as const;
  });
  refuse(problems);
  return new Map(values.flatMap(([name, why]) => (why === undefined ? [] : [[name, why] as const])));
}

/** Files at a time. */
const concurrency = 4;

/** Whether the origin is a statement of the publisher; an agreement is found and recorded by a person. */
export function isPublishers(pin: Pick<LockedFile, "origin">): boolean {
  return originOf(pin) === "signature" || originOf(pin) === "checksum";
}

/** Whether evidence beyond the repository exists: that of an npm package is package-lock.json. */
function isAsked(pin: LockedFile): boolean {
  return isPublishers(pin) && pin.integrity === undefined;
}

/** @returns why it is not trusted; undefined when it is. */
async function attest(entry: FileSourceSpec, pin: LockedFile, sources: Sources): Promise<string | undefined> {
  if (await isAttested(entry, pin, sources)) return undefined;
  try {
    if (originOf(pin) === "checksum") await agreeing(entry, pin.sha256, pin.sha256, sources);
    else {
      const { signedBy } = await signed(entry, pin, sources);
      if (signedBy !== pin.signedBy) return `it is signed by ${signedBy}`;
    }
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    return "the publisher could not be reached, and the download cache has no record of an earlier check";
  }
  await recordAttested(entry, pin, sources);
  return undefined;
}

/** A signature over the file itself needs the file's bytes. */
async function signed(entry: FileSourceSpec, pin: LockedFile, sources: Sources): Promise<SignedOrigin> {
  const here = await presentFile(pin, sources);
  const found = await signedOrigin(entry, pin.sha256, here, sources);
  if (found !== undefined) return found;
  const { path } = await fetchFile(pin, pin, sources);
  return (await signedOrigin(entry, pin.sha256, path, sources)) ?? { signedBy: "nobody", sources: [] };
}

/** Whether this machine has asked before, with what bundle.yaml names today, about exactly these bytes. */
export async function isAttested(
  entry: FileSourceSpec,
  pin: Pick<LockedFile, "sha256" | "origin" | "signedBy">,
  { store }: Pick<Sources, "store">,
): Promise<boolean> {
  return access(recordPath(entry, pin, store)).then(
    () => true,
    () => false,
  );
}

/** Records that the publisher was asked and confirmed this. */
export async function recordAttested(
  entry: FileSourceSpec,
  pin: Pick<LockedFile, "sha256" | "origin" | "signedBy">,
  { store }: Pick<Sources, "store">,
): Promise<void> {
  const note = recordPath(entry, pin, store);
  await mkdir(dirname(note), { recursive: true });
  await writeAtomically(note, "");
}

/**
 * The path records what was asked: `<store>/vouched/<sha256 of the file>/<sha256 of the origin and of what bundle.yaml names>`.
 *
 * @throws {SealiftError} E_VALUE.
 */
function recordPath(
  { name, version, platform, url, checksums, signature, apt }: FileSourceSpec,
  pin: Pick<LockedFile, "sha256" | "origin" | "signedBy">,
  store: string,
): string {
  const key = { rank: originOf(pin), signedBy: pin.signedBy, name, version, platform, url, checksums };
  const { sha256 } = digestOfBytes(JSON.stringify({ ...key, signature, apt }));
  return join(store, "vouched", hexDigits(pin.sha256), sha256);
}

/** From an entry of bundle.yaml to its pin. */
import { SealiftError } from "../modules/core/errors.ts";
import { agreeing } from "./checksums.ts";
import { debProblems } from "./deb.ts";
import { computedHere, hasMembers, isComplete, type LockedFile } from "./lock-file.ts";
import { membersOf } from "./members.ts";
import { obtainFile, type Pin, type Sources } from "./obtain-file.ts";
import { type Obtained, OtherBytes } from "./store.ts";
import { label, type WantedEntry, type WantedFile } from "./want.ts";

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
 * @param update the pin is made anew, whatever it is.
 * @throws {SealiftError} E_DOWNLOAD, E_DOWNLOAD_SHA256, E_PIN, E_PIN_SOURCES, E_ARCHIVE, E_SPACE, E_TOOL.
 */
export async function lockEntry(
  entry: WantedEntry,
  old: LockedFile | undefined,
  update: boolean,
  sources: Sources,
  report: (text: string, fraction?: number) => void,
): Promise<LockedEntry> {
  const { checksums, ...file } = entry;
  const pin = update ? undefined : old;
  const standing =
    pin?.url === file.url && pin.kind === file.kind && pin.package === file.package ? pin : undefined;
  const vouched = checksums.every((url) => standing?.sources.includes(url));
  if (standing !== undefined && isComplete(standing) && vouched && !file.url.startsWith("file:"))
    return { pin: { ...standing, ...file }, change: "kept" };
  try {
    const got = await bytesOf(entry, pin, sources, report);
    const agreed = await agreeing(entry, got.sha256, pin?.sha256, sources);
    const made = await describe(file, got);
    const before = pin?.sources ?? (old?.sha256 === got.sha256 ? old.sources : undefined);
    const places = [...new Set([...(before ?? []), ...agreed])];
    const next = { ...made, sources: places.length > 0 ? places : [computedHere] };
    return { pin: next, change: update ? "updated" : pin === undefined ? "added" : seen(pin, next) };
  } catch (error) {
    // A pin that others vouch for is good without its bytes; a build will ask for them.
    const unreachable =
      error instanceof SealiftError && error.problems.every(({ code }) => code === "E_DOWNLOAD");
    if (standing !== undefined && unreachable) return { pin: { ...standing, ...file }, change: "unseen" };
    throw error;
  }
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

function withoutLength({ sha256, manifest }: LockedFile): Pin {
  return { sha256, ...(manifest === undefined ? {} : { manifest }) };
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
    // An engine's links would be bytes on a host that no pin knows.
    ...(hasMembers(file) ? { members: await membersOf(path, file.kind === "archive") } : {}),
  };
}

function seen(pin: LockedFile, next: LockedFile): Change {
  return isComplete(pin) && pin.sources.length === next.sources.length ? "checked" : "filled";
}

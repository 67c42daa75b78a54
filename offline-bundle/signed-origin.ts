/** What a publisher has signed about a file: by a signature of its own, or by that of an apt repository. */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { type ErrorCode, type Problem, SealiftError } from "../modules/core/errors.ts";
import { parsePackages, parseRelease } from "./apt-repository.ts";
import { hashesIn } from "./checksums.ts";
import { digestOf, digestOfBytes } from "./digest.ts";
import { limits } from "./limits.ts";
import { localPath } from "./local-source.ts";
import type { Sources } from "./obtain-file.ts";
import { clearSigned, detachedSigned, isClearSigned, type PinnedKeys } from "./openpgp.ts";
import { publishedText } from "./published-text.ts";
import { readRegular } from "./regular-file.ts";
import { fileTitle, label, type AptOrigin, type SignatureOrigin, type WantedEntry } from "./want.ts";

export interface SignedOrigin {
  /** Fingerprint of the primary key. */
  readonly signedBy: string;
  /** What a person can look at: urls of what was signed. */
  readonly sources: readonly string[];
}

/**
 * Asks what bundle.yaml names. Nothing of it comes from mirrors, and nothing is kept: the next lock asks again.
 *
 * @param sha256 of the file, as it is here or pinned. @param path of its bytes; absent: they are not here.
 * @returns undefined when bundle.yaml names no signature, or it is one over bytes that are not here.
 * @throws {SealiftError} E_PIN when the bytes at path are others; E_PIN_SIGNATURE when the signature is no good one by a pinned key, or has expired; E_PIN_SOURCES when what is
 * signed is another hash, or nothing about this file; E_DOWNLOAD; E_TOOL without gpgv.
 */
export async function signedOrigin(
  entry: WantedEntry,
  sha256: string,
  path: string | undefined,
  sources: Sources,
  now: Date = new Date(),
): Promise<SignedOrigin | undefined> {
  if (entry.signature !== undefined) return bySignature(entry, entry.signature, sha256, path, sources);
  if (entry.apt !== undefined) return byRepository(entry, entry.apt, sha256, sources, now);
  return undefined;
}

async function bySignature(
  entry: WantedEntry,
  { url, keys, fingerprints }: SignatureOrigin,
  sha256: string,
  path: string | undefined,
  sources: Sources,
): Promise<SignedOrigin | undefined> {
  const pinned = await pinnedKeys(keys, fingerprints, sources);
  const message = await publishedText(url, sources, limits.checksums);
  if (isClearSigned(message)) {
    const { text, signedBy } = await clearSigned(message, pinned, url, label(entry));
    // The name of the text inside is nobody's: only lines with the name of the file are about it.
    agree(entry, sha256, url, hashesIn(text.toString(), fileTitle(entry.url), ""));
    return { signedBy, sources: [url] };
  }
  const [checksums] = entry.checksums;
  if (checksums !== undefined) {
    const text = await publishedText(checksums, sources, limits.checksums);
    const signedBy = await detachedSigned(message, text, pinned, url, label(entry));
    agree(entry, sha256, checksums, hashesIn(text.toString(), fileTitle(entry.url), fileTitle(checksums)));
    return { signedBy, sources: [url, checksums] };
  }
  if (path === undefined) return undefined;
  // A signature over other bytes says nothing of the pin.
  const { sha256: got } = await digestOf(path);
  if (got !== sha256) throw new SealiftError([otherBytes(entry, got, sha256)]);
  return { signedBy: await detachedSigned(message, path, pinned, url, label(entry)), sources: [url] };
}

function otherBytes(entry: WantedEntry, got: string, expected: string): Problem {
  const todo = "use none of it before you know why; find out who changed the file or its pin";
  return { where: entry.url, code: "E_PIN", subject: `${label(entry)} sha256`, got, expected, todo };
}

async function byRepository(
  entry: WantedEntry,
  { repository, suite, component, keys, fingerprints }: AptOrigin,
  sha256: string,
  sources: Sources,
  now: Date,
): Promise<SignedOrigin> {
  const pinned = await pinnedKeys(keys, fingerprints, sources);
  const root = repository.replace(/\/$/, "");
  const url = `${root}/dists/${suite}/InRelease`;
  const { text, signedBy } = await clearSigned(
    await publishedText(url, sources, limits.checksums),
    pinned,
    url,
    label(entry),
  );
  const release = parseRelease(text.toString());
  const problem = (code: ErrorCode, where: string, got: string, expected: string): SealiftError =>
    new SealiftError([
      {
        where,
        code,
        subject: label(entry),
        got,
        expected,
        todo: "use none of it before you know why; a repository that is out of date is repaired by its publisher",
      },
    ]);
  if (release.suite !== suite && release.codename !== suite)
    throw problem(
      "E_PIN_SIGNATURE",
      url,
      `the Release of ${release.suite || release.codename || "nothing"}`,
      `the one of ${suite}`,
    );
  if (release.validUntil !== undefined && release.validUntil < now)
    throw problem(
      "E_PIN_SIGNATURE",
      url,
      `a Release that was good until ${release.validUntil.toISOString()}`,
      `one that is good at ${now.toISOString()}`,
    );
  const arch = entry.platform === "any" ? "all" : entry.platform.replace("linux/", "");
  const index = `${component}/binary-${arch === "all" ? "amd64" : arch}/Packages.gz`;
  const pin = release.files.get(index);
  const indexUrl = `${root}/dists/${suite}/${index}`;
  if (pin === undefined || pin.bytes > limits.packages)
    throw problem(
      "E_PIN_SOURCES",
      url,
      `${pin === undefined ? "no" : "too long a"} pin of ${index}`,
      "the sha256 of it",
    );
  const packed = await publishedText(indexUrl, sources, pin.bytes);
  if (digestOfBytes(packed).sha256 !== pin.sha256)
    throw problem(
      "E_PIN_SOURCES",
      indexUrl,
      `sha256 ${digestOfBytes(packed).sha256}`,
      `${pin.sha256}, as its Release says`,
    );
  const packages = parsePackages(
    (await promisify(gunzip)(packed, { maxOutputLength: limits.packages })).toString(),
  );
  const found = packages.filter(
    (one) =>
      one.name === (entry.package ?? entry.name) &&
      one.version === entry.version &&
      (one.architecture === arch || one.architecture === "all") &&
      `${root}/${one.filename}` === entry.url,
  );
  agree(entry, sha256, indexUrl, [...new Set(found.map((one) => one.sha256))]);
  return { signedBy, sources: [url, indexUrl] };
}

/** @throws {SealiftError} E_PIN_SOURCES when what was signed is not this hash, and this one alone. */
function agree(entry: WantedEntry, sha256: string, where: string, signed: readonly string[]): void {
  if (signed.length === 1 && signed[0] === sha256) return;
  throw new SealiftError([
    {
      where,
      code: "E_PIN_SOURCES",
      subject: label(entry),
      got: `bytes here, or the lock, ${sha256}; signed ${signed.join(" and ") || `is nothing of ${fileTitle(entry.url)}`}`,
      expected: "one sha256 from both",
      todo: "use none of it before you know which is right; a pin is replaced with: sealift bundle lock --update",
    },
  ]);
}

async function pinnedKeys(
  keys: string,
  fingerprints: readonly string[],
  { bundleFile }: Sources,
): Promise<PinnedKeys> {
  const keyring = await readRegular(
    await localPath(`file:${keys}`, bundleFile),
    limits.publicKey * 16,
    "refuse",
  ).catch((error: unknown) => {
    if (error instanceof SealiftError) throw error;
    throw new SealiftError([
      {
        where: bundleFile,
        code: "E_PIN_SIGNATURE",
        subject: keys,
        got: error instanceof Error ? error.message : String(error),
        expected: "a file with the public key of the publisher, beside bundle.yaml",
        todo: "get it from the publisher, and compare its fingerprint on another way",
      },
    ]);
  });
  return { keyring, fingerprints };
}

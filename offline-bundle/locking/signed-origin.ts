/** What a publisher has signed about a file: by a signature of its own, or by that of an apt repository. */
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { type ErrorCode, type Problem, SealiftError } from "../../modules/core/errors.ts";
import { parsePackages, parseRelease } from "../upstream/apt-repository.ts";
import { hashesIn } from "./checksums.ts";
import { digestOf, digestOfBytes } from "../io/digest.ts";
import { limits } from "../io/limits.ts";
import { localPath } from "../spec/local-source.ts";
import type { Sources } from "../fetching/fetch-file.ts";
import { clearSigned, detachedSigned, isClearSigned, type PinnedKeys } from "../upstream/openpgp.ts";
import { publishedText } from "../fetching/published-text.ts";
import { readRegular } from "../io/regular-file.ts";
import {
  fileTitle,
  label,
  type AptOrigin,
  type SignatureOrigin,
  type FileSourceSpec,
} from "../spec/bundle-spec.ts";

export interface SignedOrigin {
  /** Fingerprint of the primary key. */
  readonly signedBy: string;
  /** Evidence for a reviewer: URLs of what was signed. */
  readonly sources: readonly string[];
}

/**
 * Asks what bundle.yaml names. Mirrors are not used, and nothing is cached: the next lock asks again.
 *
 * @param sha256 of the file, local or pinned.
 * @param path of its bytes; absent: they are not local.
 * @returns undefined when bundle.yaml names no signature, or one over bytes that are not local.
 * @throws {SealiftError} E_PIN_MISMATCH when the bytes at path differ; E_PIN_SIGNATURE when there is no valid signature by a
 * pinned key, or the signed Release has expired; E_PIN_SOURCES when another hash was signed, or none for this file; E_DOWNLOAD;
 * E_TOOL without gpgv.
 */
export async function signedOrigin(
  entry: FileSourceSpec,
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
  entry: FileSourceSpec,
  { url, keys, fingerprints }: SignatureOrigin,
  sha256: string,
  path: string | undefined,
  sources: Sources,
): Promise<SignedOrigin | undefined> {
  const pinned = await pinnedKeys(keys, fingerprints, sources);
  const message = await publishedText(url, sources, limits.checksums);
  if (isClearSigned(message)) {
    const { text, signedBy } = await clearSigned(message, pinned, url, label(entry));
    // The name of a clear-signed text is not signed: only lines with the name of the file apply to it.
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
  // A signature over other bytes says nothing about the pin.
  const { sha256: found } = await digestOf(path);
  if (found !== sha256) throw new SealiftError([otherBytes(entry, found, sha256)]);
  return { signedBy: await detachedSigned(message, path, pinned, url, label(entry)), sources: [url] };
}

function otherBytes(entry: FileSourceSpec, found: string, expected: string): Problem {
  const fix = "do not use the file until you know why; find out who changed the file or its pin";
  return {
    where: entry.url,
    code: "E_PIN_MISMATCH",
    subject: `${label(entry)} sha256`,
    found,
    expected,
    fix,
  };
}

async function byRepository(
  entry: FileSourceSpec,
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
  const problem = (code: ErrorCode, where: string, found: string, expected: string): SealiftError =>
    new SealiftError([
      {
        where,
        code,
        subject: label(entry),
        found,
        expected,
        fix: "do not use the package until you know why; if the repository is out of date, its publisher has to fix it",
      },
    ]);
  if (release.suite !== suite && release.codename !== suite)
    throw problem(
      "E_PIN_SIGNATURE",
      url,
      `the Release of ${release.suite || release.codename || "nothing"}`,
      `the Release of ${suite}`,
    );
  if (release.validUntil !== undefined && release.validUntil < now)
    throw problem(
      "E_PIN_SIGNATURE",
      url,
      `a Release that was valid until ${release.validUntil.toISOString()}`,
      `a Release that is valid on ${now.toISOString()}`,
    );
  const arch = entry.platform === "any" ? "all" : entry.platform.replace("linux/", "");
  const index = `${component}/binary-${arch === "all" ? "amd64" : arch}/Packages.gz`;
  const pin = release.files.get(index);
  const indexUrl = `${root}/dists/${suite}/${index}`;
  if (pin === undefined || pin.bytes > limits.packages)
    throw problem(
      "E_PIN_SOURCES",
      url,
      `${pin === undefined ? "no" : "an oversized"} entry for ${index}`,
      "an entry with its sha256",
    );
  const packed = await publishedText(indexUrl, sources, pin.bytes);
  if (digestOfBytes(packed).sha256 !== pin.sha256)
    throw problem(
      "E_PIN_SOURCES",
      indexUrl,
      `sha256 ${digestOfBytes(packed).sha256}`,
      `${pin.sha256}, as listed in its Release`,
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

/** @throws {SealiftError} E_PIN_SOURCES unless exactly this hash was signed. */
function agree(entry: FileSourceSpec, sha256: string, where: string, signed: readonly string[]): void {
  if (signed.length === 1 && signed[0] === sha256) return;
  throw new SealiftError([
    {
      where,
      code: "E_PIN_SOURCES",
      subject: label(entry),
      found: `local bytes or lock: ${sha256}; signed: ${signed.join(" and ") || `nothing about ${fileTitle(entry.url)}`}`,
      expected: "the same sha256 in both",
      fix: "do not use the file until you know which value is right; to replace a pin, run: sealift bundle lock --update <name>",
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
        found: error instanceof Error ? error.message : String(error),
        expected: "a file with the public key of the publisher, in the folder of bundle.yaml",
        fix: "get the key from the publisher and verify its fingerprint over another channel",
      },
    ]);
  });
  return { keyring, fingerprints };
}

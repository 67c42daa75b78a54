/** Signatures of publishers, verified by the system's gpgv(1). */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SealiftError } from "../../modules/core/errors.ts";
import { runProgram } from "../../modules/core/process.ts";
import { printable } from "../io/printable.ts";

/** Trusted keys: a file with public keys, and the fingerprints of those among them that are trusted. */
export interface PinnedKeys {
  /** Bytes of a keyring, armored or not. */
  readonly keyring: Uint8Array;
  /** Fingerprints of primary keys, 40 capital hex digits. */
  readonly fingerprints: readonly string[];
}

export interface SignedText {
  /** The signed text, and nothing beside it. */
  readonly text: Buffer;
  /** Fingerprint of the primary key. */
  readonly signedBy: string;
}

/**
 * The text of a clear-signed message (RFC 9580, 7: cleartext signature framework).
 *
 * @param where URL of the message.
 * @param subject what it is about.
 * @throws {SealiftError} E_PIN_SIGNATURE when it has no valid signature by a pinned key; E_TOOL without gpgv.
 */
export function clearSigned(
  message: Uint8Array,
  keys: PinnedKeys,
  where: string,
  subject: string,
): Promise<SignedText> {
  // In a signed text, a line that begins with a dash is escaped, so this line begins a message. Two messages are refused, however
  // gpgv treats them.
  const messages = Buffer.from(message)
    .toString("latin1")
    .match(/^-----BEGIN PGP SIGNED MESSAGE-----/gm)?.length;
  if (messages !== 1)
    return Promise.reject(
      refusal(where, subject, `${messages ?? 0} signed messages in one`, "one", "do not use this file"),
    );
  return inFolder(async (folder) => {
    const [file, output] = [join(folder, "message"), join(folder, "text")];
    await writeFile(file, message);
    const signedBy = await gpgv(folder, keys, ["--output", output, "--", file], where, subject);
    return { text: await readFile(output), signedBy };
  });
}

/**
 * The key of a detached signature.
 *
 * @param signed absolute path of the signed file, or its bytes.
 * @throws {SealiftError} as {@link clearSigned}.
 */
export function detachedSigned(
  signature: Uint8Array,
  signed: string | Uint8Array,
  keys: PinnedKeys,
  where: string,
  subject: string,
): Promise<string> {
  return inFolder(async (folder) => {
    const path = join(folder, "signature");
    await writeFile(path, isArmored(signature) ? dearmored(signature) : signature);
    const file = typeof signed === "string" ? signed : join(folder, "signed");
    if (typeof signed !== "string") await writeFile(file, signed);
    return gpgv(folder, keys, ["--", path, file], where, subject);
  });
}

/** Whether a text is a clear-signed message. */
export function isClearSigned(message: Uint8Array): boolean {
  return Buffer.from(message.subarray(0, 200))
    .toString("latin1")
    .startsWith("-----BEGIN PGP SIGNED MESSAGE-----");
}

async function gpgv(
  folder: string,
  { keyring, fingerprints }: PinnedKeys,
  names: readonly string[],
  where: string,
  subject: string,
): Promise<string> {
  const ring = join(folder, "keys.gpg");
  await writeFile(ring, isArmored(keyring) ? dearmored(keyring) : keyring);
  // A private home folder, so that neither a gpgv.conf nor trusted keys of the system have an effect.
  const options = ["--homedir", folder, "--keyring", ring, "--weak-digest", "SHA1", "--status-fd", "1"];
  const { stdout } = await runProgram(program(), [...options, ...names], { timeoutMs: 60_000 }).catch(
    (error: unknown) => {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
      throw new SealiftError([
        {
          where: "this machine",
          code: "E_TOOL",
          subject: program(),
          found: "no such program",
          expected: "gpgv, which verifies signatures of publishers",
          fix: "install the package gpgv, or set SEALIFT_GPGV to its path",
        },
      ]);
    },
  );
  const { good, others } = signersOf(stdout.toString("latin1"));
  const pinned = good.find((one) => fingerprints.includes(one));
  if (pinned !== undefined && !others.some((one) => one.startsWith("BADSIG"))) return pinned;
  throw refusal(
    where,
    subject,
    [...good.map((one) => `a signature by ${one}`), ...others].map(printable).join("; ") || "no signature",
    `a valid signature by ${fingerprints.join(" or ")}`,
    "do not use this file; if the publisher has a new key, verify its fingerprint over another channel and add it to bundle.yaml",
  );
}

function refusal(where: string, subject: string, found: string, expected: string, fix: string): SealiftError {
  return new SealiftError([{ where, code: "E_PIN_SIGNATURE", subject, found, expected, fix }]);
}

/**
 * gpgv's status output (GnuPG doc/DETAILS): the primary keys of signatures that are valid, not expired and not revoked; for other
 * signatures, gpgv's own words.
 */
export function signersOf(status: string): {
  readonly good: readonly string[];
  readonly others: readonly string[];
} {
  const lines = status
    .split("\n")
    .flatMap((line) => /^\[GNUPG:\] ([A-Z_]+)(?: (.*))?$/.exec(line)?.slice(1) ?? []);
  const groups: [string, string][][] = [];
  for (let at = 0; at < lines.length; at += 2) {
    const [word = "", rest = ""] = lines.slice(at, at + 2);
    if (word === "NEWSIG") groups.push([]);
    groups.at(-1)?.push([word, rest]);
  }
  const good: string[] = [];
  const others: string[] = [];
  for (const group of groups) {
    const of = (word: string): string | undefined => group.find(([name]) => name === word)?.[1];
    const bad = group.find(([name]) => /^(BADSIG|ERRSIG|EXPSIG|EXPKEYSIG|REVKEYSIG|NODATA)$/.test(name));
    // VALIDSIG: … its last word is the fingerprint of the primary key.
    const primary = of("VALIDSIG")?.trim().split(" ").at(-1);
    if (bad === undefined && of("GOODSIG") !== undefined && primary !== undefined) good.push(primary);
    else others.push(`${bad?.[0] ?? "no valid signature"} ${bad?.[1].split(" ")[0] ?? ""}`.trim());
  }
  return { good, others };
}

function program(): string {
  return process.env["SEALIFT_GPGV"] ?? "gpgv";
}

function isArmored(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, 64)).toString("latin1").trimStart().startsWith("-----BEGIN PGP ");
}

/**
 * All armored blocks of a text (RFC 9580, 6.2): an empty line ends the headers, and a checksum may begin with `=`. gpgv reads no
 * armored keys. An unterminated block is ignored.
 */
export function dearmored(bytes: Uint8Array): Buffer {
  const blocks: Buffer[] = [];
  let block: string[] | undefined;
  for (const line of Buffer.from(bytes)
    .toString("latin1")
    .split("\n")
    .map((one) => one.trim())) {
    if (/^-----BEGIN PGP [A-Z ]+-----$/.test(line)) block = [];
    else if (block !== undefined && /^-----END PGP [A-Z ]+-----$/.test(line)) {
      const body = block.slice(block.indexOf("") + 1).filter((one) => !one.startsWith("="));
      blocks.push(Buffer.from(body.join(""), "base64"));
      block = undefined;
    } else block?.push(line);
  }
  return Buffer.concat(blocks);
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "sealift-gpgv-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Signatures of publishers, checked by gpgv(1) of the system: which key has signed what. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SealiftError } from "../modules/core/errors.ts";
import { printable } from "./printable.ts";
import { runProgram } from "./program.ts";

/** Whose signature counts: a file with public keys, and the fingerprints of those among them that do. */
export interface PinnedKeys {
  /** Bytes of a keyring, armored or not. */
  readonly keyring: Uint8Array;
  /** Fingerprints of primary keys, 40 capital hex digits. */
  readonly fingerprints: readonly string[];
}

export interface SignedText {
  /** What was signed, and nothing beside it. */
  readonly text: Buffer;
  /** Fingerprint of the primary key. */
  readonly signedBy: string;
}

/**
 * The text inside a message that signs itself (RFC 9580, 7: cleartext signature framework).
 *
 * @param where url of the message. @param subject what it is about.
 * @throws {SealiftError} E_PIN_SIGNATURE when no good signature by a pinned key is on it; E_TOOL without gpgv.
 */
export function clearSigned(
  message: Uint8Array,
  keys: PinnedKeys,
  where: string,
  subject: string,
): Promise<SignedText> {
  // A line of a signed text that begins with a dash is escaped: this one begins a message. What gpgv makes of two is not asked.
  const messages = Buffer.from(message)
    .toString("latin1")
    .match(/^-----BEGIN PGP SIGNED MESSAGE-----/gm)?.length;
  if (messages !== 1)
    return Promise.reject(
      refusal(where, subject, `${messages ?? 0} signed messages in one`, "one", "use nothing of it"),
    );
  return inFolder(async (folder) => {
    const [file, output] = [join(folder, "message"), join(folder, "text")];
    await writeFile(file, message);
    const signedBy = await gpgv(folder, keys, ["--output", output, "--", file], where, subject);
    return { text: await readFile(output), signedBy };
  });
}

/**
 * The key by which a file beside its signature was signed.
 *
 * @param signed absolute path of what was signed, or its bytes. @throws {SealiftError} as {@link clearSigned}.
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

/** Whether a message signs itself. */
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
  // A folder of its own, so that nobody's gpgv.conf and no trusted keys of the system have a say.
  const options = ["--homedir", folder, "--keyring", ring, "--weak-digest", "SHA1", "--status-fd", "1"];
  const { stdout } = await runProgram(program(), [...options, ...names], { timeoutMs: 60_000 }).catch(
    (error: unknown) => {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
      throw new SealiftError([
        {
          where: "this machine",
          code: "E_TOOL",
          subject: program(),
          got: "no such program",
          expected: "gpgv, which checks signatures of publishers",
          todo: "install the package gpgv, or name it in SEALIFT_GPGV",
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
    `a good signature by ${fingerprints.join(" or ")}`,
    "use nothing of it; when the publisher has a new key, compare its fingerprint on another way and write it into bundle.yaml",
  );
}

function refusal(where: string, subject: string, got: string, expected: string, todo: string): SealiftError {
  return new SealiftError([{ where, code: "E_PIN_SIGNATURE", subject, got, expected, todo }]);
}

/**
 * What gpgv says on its status channel (GnuPG doc/DETAILS): the primary keys of signatures that are good, not expired and not
 * revoked; and the others in its own words.
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
    else others.push(`${bad?.[0] ?? "no good signature"} ${bad?.[1].split(" ")[0] ?? ""}`.trim());
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
 * All blocks of a text (RFC 9580, 6.2): headers end with an empty line, and a checksum may begin with `=`. gpgv reads no armored keys. What
 * no line ends is no block.
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

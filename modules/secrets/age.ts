/** Runs `age` (https://age-encryption.org, v1.3). Plaintext goes only through pipes: it is on no command line and in no message. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ErrorCode, SealiftError } from "../core/errors.ts";
import { type ProgramResult, runProgram } from "../core/process.ts";
import { visibleOneLine } from "../core/visible.ts";

/**
 * Encrypts a text.
 *
 * @param recipients public keys: `ssh-ed25519 …` and `age1…`.
 * @param subject the file, for messages.
 * @returns the armored form, which git shows as text.
 * @throws {SealiftError} E_TOOL without age; E_SECRET_RECIPIENT when it refuses a key.
 */
export async function encrypt(
  text: Uint8Array,
  recipients: readonly string[],
  subject: string,
): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), "sealift-recipients-"));
  try {
    const list = join(folder, "recipients");
    await writeFile(list, recipients.map((key) => `${key}\n`).join(""));
    const result = await age(["--armor", "-R", list], text);
    if (result.exitCode === 0) return result.stdout;
    const fix = "correct hostKey or secrets.recoveryKey, whichever age reports";
    throw failed("E_SECRET_RECIPIENT", subject, result, "public keys that age accepts", fix);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * Decrypts a file.
 *
 * @param identity file with the private key.
 * @param subject the file, for messages.
 * @throws {SealiftError} E_TOOL without age; E_SECRET_DECRYPT.
 */
export async function decrypt(file: Uint8Array, identity: string, subject: string): Promise<Buffer> {
  const result = await age(["--decrypt", "-i", identity], file);
  if (result.exitCode === 0) return result.stdout;
  const fix = "pass the file of the recovery key with which it was encrypted: --identity <file>";
  throw failed("E_SECRET_DECRYPT", subject, result, "a private key that can decrypt it", fix);
}

async function age(args: readonly string[], input: Uint8Array): Promise<ProgramResult> {
  try {
    return await runProgram("age", args, { input });
  } catch (error) {
    throw new SealiftError([
      {
        where: "this machine",
        code: "E_TOOL",
        subject: "age",
        found: error instanceof Error ? error.message : String(error),
        expected: "age 1.3 or newer on the PATH",
        fix: "install age: the bundle has it as a file (sealift bundle unpack), and Debian as the package age",
      },
    ]);
  }
}

/** What age prints never contains plaintext or a private key. */
function failed(
  code: ErrorCode,
  subject: string,
  { exitCode, stderr }: ProgramResult,
  expected: string,
  fix: string,
): SealiftError {
  const [first = ""] = stderr.split("\n");
  const found = visibleOneLine(first.replace(/^age: (error: )?/, "")) || `age ended with ${exitCode}`;
  return new SealiftError([{ where: "this machine", code, subject, found, expected, fix }]);
}

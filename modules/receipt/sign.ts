/** A receipt as a file, and its signature. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { allowedSigners } from "../../offline-bundle/signing/allowed-signers.ts";
import { sshKeygen } from "../../offline-bundle/signing/ssh-keygen.ts";
import { parseSshSignature } from "../../offline-bundle/signing/ssh-signature.ts";
import { SealiftError, type Problem } from "../core/errors.ts";
import { visibleOneLine } from "../core/visible.ts";
import { writeAtomically } from "../core/write-atomically.ts";
import type { Receipt } from "./receipt.ts";
import { receiptName } from "./name.ts";
import { parseReceipt } from "./shape.ts";

/** Keeps a signature of a receipt from being accepted for a bundle, and vice versa. */
const receiptNamespace = "sealift-receipt";

/**
 * Writes `<site>-<time>.json` and its `.sig` in one step each.
 * @param key private key file, or a public one whose private half is in the ssh-agent.
 * @returns the path of the receipt.
 * @throws {SealiftError} E_RECEIPT when it cannot be read back, E_SIGNING_KEY, E_TOOL.
 */
export async function writeReceipt(receipt: Receipt, directory: string, key: string): Promise<string> {
  const text = `${JSON.stringify(receipt, undefined, 2)}\n`;
  const readable = parseReceipt(text);
  // A signed receipt must be readable years later.
  if (typeof readable === "string") {
    const fix = "report this as a bug in Sealift; sealift doctor shows the state of the hosts";
    throw refusedReceipt(receipt.site, "receipt", readable, "a receipt that Sealift can read back", fix);
  }
  const { exitCode, stdout, stderr } = await sshKeygen(
    ["-Y", "sign", "-f", key, "-n", receiptNamespace],
    Buffer.from(text),
  );
  if (exitCode !== 0) {
    throw new SealiftError([
      {
        where: key,
        code: "E_SIGNING_KEY",
        subject: "receipt.key",
        found: visibleOneLine(stderr),
        expected: "a key that ssh-keygen can sign with",
        fix: "check the path; load a key with a passphrase into the ssh-agent",
      },
    ]);
  }
  await mkdir(directory, { recursive: true });
  const file = join(directory, receiptName(receipt));
  await writeAtomically(`${file}.sig`, stdout);
  await writeAtomically(file, text);
  return file;
}

export interface ReceiptPolicy {
  /** File in the format of ssh-keygen(1), ALLOWED SIGNERS. */
  readonly allowedSigners: string;
  /**
   * Keys whose signatures are never accepted, whatever the date of the receipt: a KRL, or one public key per line.
   *
   * @default none
   */
  readonly revokedKeys?: string;
}

/** A receipt whose signature is valid. */
export interface Checked {
  readonly file: string;
  readonly receipt: Receipt;
  /** All principals of the key in the allowed signers file. */
  readonly signers: readonly string[];
}

/**
 * Verifies a receipt as of its own date and reads it: a signature stays valid when its key expires later. The list of revoked keys is for
 * keys whose signatures must never be accepted.
 * @throws {SealiftError} E_RECEIPT when it has no signature, or one by another or a revoked key, was changed, or is not a receipt; E_TOOL.
 */
export async function readSignedReceipt(file: string, policy: ReceiptPolicy): Promise<Checked> {
  const text = await readFile(file).catch((error: unknown) => {
    throw refusedReceipt(file, "receipt", String(error), "a readable file", "check the path");
  });
  const receipt = parseReceipt(text.toString());
  // A file that is not a receipt has no date.
  const time = timeOf(typeof receipt === "string" ? new Date() : new Date(receipt.ended));
  const refuse = (found: string, expected: string, fix: string): SealiftError =>
    refusedReceipt(file, "signature", found, expected, fix);
  const keys = await readFile(policy.allowedSigners, "utf8").catch((error: unknown) => {
    throw refuse(String(error), "a readable allowed signers file", "check the path");
  });
  const key = parseSshSignature(await readFile(`${file}.sig`, "utf8").catch(() => ""))?.key;
  const names = allowedSigners(keys).flatMap((one) =>
    one.key === key && !one.authority ? one.principals : [],
  );
  if (key === undefined || names.length === 0) {
    const found =
      key === undefined ? "no signature" : "a signature by a key that is not in the allowed signers file";
    const fix = "get the .sig file next to the receipt, and the keys that may sign receipts";
    throw refuse(found, `a signature by a key of ${policy.allowedSigners}`, fix);
  }
  const revoked = policy.revokedKeys === undefined ? [] : ["-r", policy.revokedKeys];
  const signers: string[] = [];
  let reason = "";
  for (const name of new Set(names)) {
    const args = ["-n", receiptNamespace, "-I", name, "-O", `verify-time=${time}`];
    const files = ["-s", `${file}.sig`, "-f", policy.allowedSigners, ...revoked];
    const { exitCode, stdout, stderr } = await sshKeygen(["-Y", "verify", ...args, ...files], text);
    if (exitCode === 0) signers.push(name);
    else reason = lastLine(`${stdout}\n${stderr}`.trim());
  }
  if (signers.length === 0) {
    const integrity = await sshKeygen(
      ["-Y", "check-novalidate", "-n", receiptNamespace, "-s", `${file}.sig`],
      text,
    );
    const fix =
      integrity.exitCode === 0
        ? "do not trust the receipt: its key is revoked, or was not valid on the date of the receipt"
        : "do not trust the receipt: it was changed after it was signed";
    throw refuse(reason, `a valid signature by ${names.join(", ")} over this file`, fix);
  }
  if (typeof receipt === "string") {
    const fix = "read it with the version of Sealift that wrote it";
    throw refusedReceipt(file, "receipt", receipt, "a receipt of format 4", fix);
  }
  return { file, receipt, signers };
}

/** A time in the format of ssh-keygen, in this machine's time zone (ssh-keygen(1), verify-time; its Z is younger than OpenSSH 8.9). */
function timeOf(ended: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  return [
    String(ended.getFullYear()),
    ...[ended.getMonth() + 1, ended.getDate(), ended.getHours(), ended.getMinutes(), ended.getSeconds()].map(
      two,
    ),
  ].join("");
}

export function refusedReceipt(
  where: string,
  subject: string,
  found: string,
  expected: string,
  fix: string,
): SealiftError {
  const problem: Problem = { where, code: "E_RECEIPT", subject, found, expected, fix };
  return new SealiftError([problem]);
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

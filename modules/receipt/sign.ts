/** A receipt as a file that can be carried out, and its signature. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { allowedSigners } from "../../offline-bundle/allowed-signers.ts";
import { sshKeygen } from "../../offline-bundle/ssh-keygen.ts";
import { parseSshSignature } from "../../offline-bundle/ssh-signature.ts";
import { SealiftError, type Problem } from "../core/errors.ts";
import { oneLine } from "../core/visible.ts";
import { writeWhole } from "../core/write-whole.ts";
import type { Receipt } from "./receipt.ts";
import { receiptName } from "./name.ts";
import { parseReceipt } from "./shape.ts";

/** Keeps a signature of a receipt from being taken for one of a bundle, and the other way round. */
export const namespace = "sealift-receipt";

/**
 * Writes `<site>-<time>.json` and its `.sig` in one step each.
 * @param key private key file, or a public one whose private half is in the ssh-agent.
 * @returns the path of the receipt.
 * @throws {SealiftError} E_RECEIPT when nobody could read it, E_SIGNING_KEY, E_TOOL.
 */
export async function writeReceipt(receipt: Receipt, directory: string, key: string): Promise<string> {
  const text = `${JSON.stringify(receipt, undefined, 2)}\n`;
  const readable = parseReceipt(text);
  // Nobody is to find out years later that what was signed cannot be read.
  if (typeof readable === "string") {
    const todo = "report it as a fault of Sealift; sealift doctor says what holds";
    throw refusedReceipt(receipt.site, "receipt", readable, "a receipt that can be read again", todo);
  }
  const { exitCode, stdout, stderr } = await sshKeygen(
    ["-Y", "sign", "-f", key, "-n", namespace],
    Buffer.from(text),
  );
  if (exitCode !== 0) {
    throw new SealiftError([
      {
        where: key,
        code: "E_SIGNING_KEY",
        subject: "receipt.key",
        got: oneLine(stderr),
        expected: "a key that ssh-keygen can sign with",
        todo: "check the path; a key with a passphrase has to be in the ssh-agent",
      },
    ]);
  }
  await mkdir(directory, { recursive: true });
  const file = join(directory, receiptName(receipt));
  await writeWhole(`${file}.sig`, stdout);
  await writeWhole(file, text);
  return file;
}

export interface ReceiptPolicy {
  /** File in the format of ssh-keygen(1), ALLOWED SIGNERS. */
  readonly allowedSigners: string;
  /** Keys that sign nothing any more, whatever date a receipt bears: a KRL, or one public key a line. @default none */
  readonly revokedKeys?: string;
}

/** A receipt whose signature is good. */
export interface Checked {
  readonly file: string;
  readonly receipt: Receipt;
  /** Everybody for whom the allowed signers file has the key. */
  readonly signers: readonly string[];
}

/**
 * Reads a receipt after its signature was checked, as of the day that it bears: a key that has expired since then has signed it all the
 * same. What a key must not have signed, whenever, is for the list of revoked keys.
 * @throws {SealiftError} E_RECEIPT when it is not signed, by another key or a revoked one, is not what was signed, or is no receipt; E_TOOL.
 */
export async function readReceipt(file: string, policy: ReceiptPolicy): Promise<Checked> {
  const text = await readFile(file).catch((error: unknown) => {
    throw refusedReceipt(file, "receipt", String(error), "a file that can be read", "check the path");
  });
  const receipt = parseReceipt(text.toString());
  // What is no receipt bears no date.
  const time = timeOf(typeof receipt === "string" ? new Date() : new Date(receipt.ended));
  const refuse = (got: string, expected: string, todo: string): SealiftError =>
    refusedReceipt(file, "signature", got, expected, todo);
  const keys = await readFile(policy.allowedSigners, "utf8").catch((error: unknown) => {
    throw refuse(String(error), "a file of allowed signers that can be read", "check the path");
  });
  const key = parseSshSignature(await readFile(`${file}.sig`, "utf8").catch(() => ""))?.key;
  const names = allowedSigners(keys).flatMap((one) =>
    one.key === key && !one.authority ? one.principals : [],
  );
  if (key === undefined || names.length === 0) {
    const got = key === undefined ? "no signature" : "a signature by a key that is not among them";
    const todo = "get the .sig beside it, and the keys of those who may sign receipts";
    throw refuse(got, `a signature by a key of ${policy.allowedSigners}`, todo);
  }
  const revoked = policy.revokedKeys === undefined ? [] : ["-r", policy.revokedKeys];
  const signers: string[] = [];
  let told = "";
  for (const name of new Set(names)) {
    const args = ["-n", namespace, "-I", name, "-O", `verify-time=${time}`];
    const files = ["-s", `${file}.sig`, "-f", policy.allowedSigners, ...revoked];
    const { exitCode, stdout, stderr } = await sshKeygen(["-Y", "verify", ...args, ...files], text);
    if (exitCode === 0) signers.push(name);
    else told = lastLine(`${stdout}\n${stderr}`.trim());
  }
  if (signers.length === 0) {
    const whole = await sshKeygen(["-Y", "check-novalidate", "-n", namespace, "-s", `${file}.sig`], text);
    const todo =
      whole.exitCode === 0
        ? "do not believe it: its key was revoked, or was not valid on the day that it bears"
        : "do not believe it: a byte of it has changed since it was signed";
    throw refuse(told, `a good signature of ${names.join(", ")} over this very text`, todo);
  }
  if (typeof receipt === "string") {
    const todo = "read it with the Sealift that has written it";
    throw refusedReceipt(file, "receipt", receipt, "a receipt of format 3", todo);
  }
  return { file, receipt, signers };
}

/** As ssh-keygen wants a time: of this machine's own zone (ssh-keygen(1), verify-time; its Z is younger than OpenSSH 8.9). */
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
  got: string,
  expected: string,
  todo: string,
): SealiftError {
  const problem: Problem = { where, code: "E_RECEIPT", subject, got, expected, todo };
  return new SealiftError([problem]);
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

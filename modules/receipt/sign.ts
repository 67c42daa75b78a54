/** A receipt as a file that can be carried out, and its signature. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sshKeygen } from "../../offline-bundle/ssh-keygen.ts";
import { SealiftError, type Problem } from "../core/errors.ts";
import type { Receipt } from "./receipt.ts";

/** Keeps a signature of a receipt from being taken for one of a bundle, and the other way round. */
export const namespace = "sealift-receipt";

/**
 * Writes `<site>-<time>.json` and its `.sig` in one step each.
 * @param key private key file, or a public one whose private half is in the ssh-agent.
 * @returns the path of the receipt.
 * @throws {SealiftError} E_SIGNING_KEY, E_TOOL.
 */
export async function writeReceipt(receipt: Receipt, directory: string, key: string): Promise<string> {
  const text = `${JSON.stringify(receipt, undefined, 2)}\n`;
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
        got: stderr.replaceAll(/\s*\n\s*/g, " "),
        expected: "a key that ssh-keygen can sign with",
        todo: "check the path; a key with a passphrase has to be in the ssh-agent",
      },
    ]);
  }
  await mkdir(directory, { recursive: true });
  const file = join(directory, `${receipt.site}-${receipt.ended.replaceAll(/[-:]|\.\d+/g, "")}.json`);
  await writeWhole(`${file}.sig`, stdout);
  await writeWhole(file, text);
  return file;
}

/**
 * Reads a receipt after its signature was checked.
 * @param allowedSigners file in the format of ssh-keygen(1), ALLOWED SIGNERS.
 * @throws {SealiftError} E_RECEIPT when it is not signed, by another key, or not what was signed; E_TOOL.
 */
export async function readReceipt(
  file: string,
  allowedSigners: string,
): Promise<{ readonly receipt: Receipt; readonly signer: string }> {
  const text = await readFile(file).catch((error: unknown) => {
    throw refused(file, "receipt", String(error), "a file that can be read", "check the path");
  });
  const signed = ["-s", `${file}.sig`, "-f", allowedSigners];
  const found = await sshKeygen(["-Y", "find-principals", ...signed], new Uint8Array());
  const signer = found.stdout.split("\n")[0]?.trim() ?? "";
  if (found.exitCode !== 0 || signer === "") {
    const got = lastLine(found.stderr) || "no signature";
    const todo = "get the .sig beside it, and the keys of those who may sign receipts";
    throw refused(file, "signature", got, `a signature by a key of ${allowedSigners}`, todo);
  }
  const checked = await sshKeygen(["-Y", "verify", "-n", namespace, "-I", signer, ...signed], text);
  if (checked.exitCode !== 0) {
    const todo = "do not believe it: a byte of it has changed since it was signed";
    const got = lastLine(`${checked.stdout}\n${checked.stderr}`.trim());
    throw refused(file, "signature", got, `a good signature of ${signer} over this very text`, todo);
  }
  return { receipt: JSON.parse(text.toString()) as Receipt, signer };
}

async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}.part`, text);
  await rename(`${file}.part`, file);
}

function refused(where: string, subject: string, got: string, expected: string, todo: string): SealiftError {
  const problem: Problem = { where, code: "E_RECEIPT", subject, got, expected, todo };
  return new SealiftError([problem]);
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

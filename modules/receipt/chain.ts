/** Receipts of a site as a chain: each names the one before it by its hash, so that one that is left out is missed. */
import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { readReceipt, refusedReceipt, type Checked, type ReceiptPolicy } from "./sign.ts";
import type { Receipt } from "./receipt.ts";

/**
 * Where a new receipt stands in the chain of its site.
 * @param directory where the receipts of the site lie; none there: it is the first.
 */
export async function nextInChain(
  directory: string,
  site: string,
): Promise<Pick<Receipt, "number" | "previous">> {
  const files = await receiptsOf(directory, site);
  const last = files.at(-1);
  if (last === undefined) return { number: 1, previous: null };
  const bytes = await readFile(join(directory, last));
  const number = /^ {2}"number": (\d{1,15}),$/m.exec(bytes.toString())?.[1];
  const before = number === undefined ? files.length : Number(number);
  return { number: before + 1, previous: { file: last, sha256: sha256(bytes) } };
}

/**
 * One receipt, or all of a folder, each with its signature and with the one before it.
 * @param path a receipt, or the folder of them.
 * @returns the receipts, in the order in which they were written.
 * @throws {SealiftError} E_RECEIPT of the first that is not to be believed, or that is missing between two others.
 */
export async function verifyReceipts(path: string, policy: ReceiptPolicy): Promise<readonly Checked[]> {
  if (!(await stat(path).catch(() => undefined))?.isDirectory()) {
    const checked = await readReceipt(path, policy);
    await checkPrevious(checked, dirname(path));
    return [checked];
  }
  const names = (await readdir(path)).filter((name) => pattern.test(name)).toSorted();
  const all: Checked[] = [];
  for (const name of names) all.push(await readReceipt(join(path, name), policy));
  if (all.length === 0)
    throw refusedReceipt(path, "receipts", "none", "a folder with receipts", "check the path");
  for (const checked of all) {
    const { site, previous } = checked.receipt;
    const first = all.find(({ receipt }) => receipt.site === site) === checked;
    if (previous !== null && !first && !names.includes(previous.file))
      throw missing(checked.file, previous.file);
    await checkPrevious(checked, path);
  }
  return all;
}

/** The one before it, when it lies beside it, is the one that it names. */
async function checkPrevious({ file, receipt }: Checked, directory: string): Promise<void> {
  const { previous } = receipt;
  if (previous === null) return;
  const bytes = await readFile(join(directory, basename(previous.file))).catch(() => undefined);
  if (bytes === undefined || sha256(bytes) === previous.sha256) return;
  throw refusedReceipt(
    file,
    "previous",
    `${previous.file} with sha256 ${sha256(bytes)}`,
    `sha256 ${previous.sha256}`,
    "do not believe the one before it: it was changed or replaced after this one was written",
  );
}

function missing(file: string, name: string): ReturnType<typeof refusedReceipt> {
  return refusedReceipt(
    file,
    "previous",
    `no ${name} in the folder`,
    "every receipt between the first and the last one here",
    "get it from where the receipts are written: it was left out",
  );
}

const pattern = /-\d{8}T\d{6}Z\.json$/;

/** Oldest first: the time is in the name. */
async function receiptsOf(directory: string, site: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch((): string[] => []);
  return names.filter((name) => pattern.test(name) && name.replace(pattern, "") === site).toSorted();
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

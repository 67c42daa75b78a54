/** Receipts of a site as a chain: each refers to the previous one by its hash, so that a missing one is noticed. */
import { createHash } from "node:crypto";
import { open, readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Receipt } from "./receipt.ts";
import { parseReceipt } from "./shape.ts";
import { receiptName } from "./name.ts";
import { readSignedReceipt, refusedReceipt, type Checked, type ReceiptPolicy } from "./sign.ts";

/**
 * The position of a new receipt in the chain of its site.
 *
 * @param directory folder of the site's receipts; empty: the new receipt is the first.
 * @throws {SealiftError} E_RECEIPT when the last file there is not a receipt of the site, or has the name of another one.
 */
export async function nextInChain(
  directory: string,
  site: string,
): Promise<Pick<Receipt, "number" | "previous">> {
  const names = await readdir(directory).catch((): string[] => []);
  const own = names.filter((name) => pattern.test(name) && name.replace(pattern, "") === site);
  const numbered = await Promise.all(
    own.map(async (name) => [await numberIn(join(directory, name)), name] as const),
  );
  // By number: the clock, and with it the name, may have been set back.
  const [last] = numbered.toSorted(([one], [other]) => other - one);
  if (last === undefined) return { number: 1, previous: null };
  const [, file] = last;
  const bytes = await readFile(join(directory, file));
  const receipt = parseReceipt(bytes.toString());
  if (typeof receipt === "string" || receipt.site !== site) {
    const found = typeof receipt === "string" ? receipt : `a receipt of ${receipt.site}`;
    const fix =
      "find out who put it there, and move it to another directory; the next receipt will refer to the last valid one";
    throw refusedReceipt(join(directory, file), "receipt", found, `a receipt of ${site}`, fix);
  }
  checkName(join(directory, file), receipt);
  return { number: receipt.number + 1, previous: { file, sha256: sha256(bytes) } };
}

/** Reads only the head of a file. One without a number sorts last, and is then refused. */
async function numberIn(path: string): Promise<number> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1024), 0, 1024, 0);
    const number = /^ {2}"number": (\d{1,15}),$/m.exec(buffer.toString("utf8", 0, bytesRead))?.[1];
    return number === undefined ? Infinity : Number(number);
  } finally {
    await file.close();
  }
}

/**
 * Verifies one receipt, or all of a folder: signature, file name, and the previous receipt.
 * @param path a receipt, or the folder of them.
 * @returns the receipts in the order of their numbers.
 * @throws {SealiftError} E_RECEIPT for the first that is not valid, or that is missing between two others.
 */
export async function verifyReceipts(path: string, policy: ReceiptPolicy): Promise<readonly Checked[]> {
  if (!(await stat(path).catch(() => undefined))?.isDirectory()) {
    const checked = await readSignedReceipt(path, policy);
    checkName(path, checked.receipt);
    await checkPrevious(checked, dirname(path));
    return [checked];
  }
  const names = (await readdir(path)).filter((name) => pattern.test(name)).toSorted();
  const all: Checked[] = [];
  for (const name of names) {
    const checked = await readSignedReceipt(join(path, name), policy);
    checkName(checked.file, checked.receipt);
    all.push(checked);
  }
  if (all.length === 0)
    throw refusedReceipt(path, "receipts", "none", "a folder with receipts", "check the path");
  const sites = [...new Set(all.map(({ receipt }) => receipt.site))];
  const chains = sites.map((site) =>
    all
      .filter(({ receipt }) => receipt.site === site)
      .toSorted((one, other) => one.receipt.number - other.receipt.number),
  );
  for (const chain of chains) await checkChain(chain, path);
  return chains.flat();
}

/** The receipts of one site in order: each but the first refers to exactly the previous one, so no receipt has two successors. */
async function checkChain(chain: readonly Checked[], directory: string): Promise<void> {
  for (const [at, checked] of chain.entries()) {
    const { number, previous } = checked.receipt;
    const before = chain[at - 1];
    if (before !== undefined && number === before.receipt.number) {
      const found = `${number}, the same as in ${basename(before.file)}`;
      throw refusedReceipt(checked.file, "number", found, "one receipt per number", afterwards);
    }
    if (before !== undefined && previous !== null && previous.file !== basename(before.file)) {
      const there = chain.some(({ file }) => basename(file) === previous.file);
      if (!there) throw missing(checked.file, previous.file);
      const expected = `${basename(before.file)}, which has the previous number`;
      throw refusedReceipt(checked.file, "previous", previous.file, expected, afterwards);
    }
    await checkPrevious(checked, directory);
  }
}

const afterwards =
  "ask the signers of the receipts which ones are genuine: each run writes one receipt after the last one";

/** The name states the site and the end of the run; a copy under another name is refused. */
function checkName(file: string, receipt: Receipt): void {
  const name = receiptName(receipt);
  if (basename(file) === name) return;
  const fix = "find out who put it there under this name, and move it to another directory";
  throw refusedReceipt(file, "name", basename(file), `${name}, according to its content`, fix);
}

/** If the previous receipt is in the folder, its hash and number must match; only the first receipt has none. */
async function checkPrevious({ file, receipt }: Checked, directory: string): Promise<void> {
  const { number, previous } = receipt;
  if ((previous === null) !== (number === 1)) {
    const found = `${number}, ${previous === null ? "with no previous receipt" : `after ${previous.file}`}`;
    throw refusedReceipt(
      file,
      "number",
      found,
      "number 1 for the first receipt and for no other",
      afterwards,
    );
  }
  if (previous === null) return;
  const bytes = await readFile(join(directory, basename(previous.file))).catch(() => undefined);
  if (bytes === undefined) return;
  if (sha256(bytes) !== previous.sha256)
    throw refusedReceipt(
      file,
      "previous",
      `${previous.file} with sha256 ${sha256(bytes)}`,
      `sha256 ${previous.sha256}`,
      "do not trust the previous receipt: it was changed or replaced after this one was written",
    );
  const before = parseReceipt(bytes.toString());
  if (typeof before === "string" || before.number + 1 === number) return;
  throw refusedReceipt(
    file,
    "number",
    String(number),
    `${before.number + 1}, after ${before.number}`,
    afterwards,
  );
}

function missing(file: string, name: string): ReturnType<typeof refusedReceipt> {
  return refusedReceipt(
    file,
    "previous",
    `no ${name} in the folder`,
    "every receipt between the first and the last one here",
    "get the missing receipt from the machine that writes them",
  );
}

const pattern = /-\d{8}T\d{6}Z\.json$/;

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

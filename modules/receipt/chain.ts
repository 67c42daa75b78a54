/** Receipts of a site as a chain: each names the one before it by its hash, so that one that is left out is missed. */
import { createHash } from "node:crypto";
import { open, readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Receipt } from "./receipt.ts";
import { parseReceipt } from "./shape.ts";
import { receiptName } from "./name.ts";
import { readReceipt, refusedReceipt, type Checked, type ReceiptPolicy } from "./sign.ts";

/**
 * Where a new receipt stands in the chain of its site.
 * @param directory where the receipts of the site lie; none there: it is the first.
 * @throws {SealiftError} E_RECEIPT when what lies there as the last one is none, or has the name of another.
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
  // By number: the clock, and with it a name, may have gone back.
  const [last] = numbered.toSorted(([one], [other]) => other - one);
  if (last === undefined) return { number: 1, previous: null };
  const [, file] = last;
  const bytes = await readFile(join(directory, file));
  const receipt = parseReceipt(bytes.toString());
  if (typeof receipt === "string" || receipt.site !== site) {
    const got = typeof receipt === "string" ? receipt : `a receipt of ${receipt.site}`;
    const todo =
      "find out who has put it there, and move it away; the next receipt names the last one that is whole";
    throw refusedReceipt(join(directory, file), "receipt", got, `a receipt of ${site}`, todo);
  }
  checkName(join(directory, file), receipt);
  return { number: receipt.number + 1, previous: { file, sha256: sha256(bytes) } };
}

/** Out of the head of a file: one that has no number comes last of all, and is refused. */
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
 * One receipt, or all of a folder, each with its signature, the name that it has to have, and the one before it.
 * @param path a receipt, or the folder of them.
 * @returns the receipts, in the order in which they were written.
 * @throws {SealiftError} E_RECEIPT of the first that is not to be believed, or that is missing between two others.
 */
export async function verifyReceipts(path: string, policy: ReceiptPolicy): Promise<readonly Checked[]> {
  if (!(await stat(path).catch(() => undefined))?.isDirectory()) {
    const checked = await readReceipt(path, policy);
    checkName(path, checked.receipt);
    await checkPrevious(checked, dirname(path));
    return [checked];
  }
  const names = (await readdir(path)).filter((name) => pattern.test(name)).toSorted();
  const all: Checked[] = [];
  for (const name of names) {
    const checked = await readReceipt(join(path, name), policy);
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

/** Of one site, by their numbers: each but the first names the very one before it, so that none has two after it. */
async function checkChain(chain: readonly Checked[], directory: string): Promise<void> {
  for (const [at, checked] of chain.entries()) {
    const { number, previous } = checked.receipt;
    const before = chain[at - 1];
    if (before !== undefined && number === before.receipt.number) {
      const got = `${number}, as ${basename(before.file)} has`;
      throw refusedReceipt(checked.file, "number", got, "one receipt of each number", afterwards);
    }
    if (before !== undefined && previous !== null && previous.file !== basename(before.file)) {
      const there = chain.some(({ file }) => basename(file) === previous.file);
      if (!there) throw missing(checked.file, previous.file);
      const expected = `${basename(before.file)}, which has the number before`;
      throw refusedReceipt(checked.file, "previous", previous.file, expected, afterwards);
    }
    await checkPrevious(checked, directory);
  }
}

const afterwards = "ask whoever signs receipts which of them are true: a run leaves one, after the last one";

/** A receipt is known by its name, which says whose it is and when its run ended: a copy under another name is none. */
function checkName(file: string, receipt: Receipt): void {
  const name = receiptName(receipt);
  if (basename(file) === name) return;
  const todo = "find out who has put it there under this name, and move it away";
  throw refusedReceipt(file, "name", basename(file), `${name}, as its content says`, todo);
}

/** The one before it, when it lies beside it, is the one that it names, with the number before; only the first names none. */
async function checkPrevious({ file, receipt }: Checked, directory: string): Promise<void> {
  const { number, previous } = receipt;
  if ((previous === null) !== (number === 1)) {
    const got = `${number}, ${previous === null ? "and none before it" : `after ${previous.file}`}`;
    throw refusedReceipt(file, "number", got, "1 of the first receipt, and of no other", afterwards);
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
      "do not believe the one before it: it was changed or replaced after this one was written",
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
    "get it from where the receipts are written: it was left out",
  );
}

const pattern = /-\d{8}T\d{6}Z\.json$/;

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** `sealift receipt …`: what a run has left for those outside. */
import { Command } from "commander";
import { receiptPage } from "../modules/receipt/page.ts";
import { verifyReceipts } from "../modules/receipt/chain.ts";
import { readReceipt, type Checked, type ReceiptPolicy } from "../modules/receipt/sign.ts";
import { factsIn, filesIn, verdictOf } from "../modules/receipt/verdict.ts";
import { columns } from "./columns.ts";
import { visible } from "../modules/core/visible.ts";
import { writeWhole } from "../modules/core/write-whole.ts";
import { print, printJsonText } from "./print.ts";

interface Flags {
  readonly signers: string;
  readonly revokedKeys?: string;
}

export function receiptCommand(): Command {
  return new Command("receipt")
    .description("checks and shows the receipt that a run has left (site file: receipt)")
    .addCommand(verifyCommand())
    .addCommand(pageCommand());
}

function verifyCommand(): Command {
  return withPolicy(new Command("verify"))
    .description("checks the signature of a receipt, and that none is left out; needs no network")
    .argument("<path>", "the receipt, its signature is <path>.sig; or the folder with all of them")
    .option("--json", "print the receipt as JSON once it is checked; of a folder, all of them as a list")
    .addHelpText("after", examples)
    .action(async (path: string, flags: Flags & { readonly json?: true }) => {
      const checked = await verifyReceipts(path, policyOf(flags));
      const [only] = checked;
      if (flags.json === true)
        printJsonText(checked.length === 1 ? only?.receipt : checked.map(({ receipt }) => receipt));
      else print(checked.map((one) => summary(one, flags.signers)).join("\n\n"));
    });
}

function pageCommand(): Command {
  return withPolicy(new Command("page"))
    .description("writes a receipt as one HTML page that needs no network")
    .argument("<file>", "the receipt")
    .requiredOption("-o, --output <path>", "the page")
    .addHelpText(
      "after",
      "\nExample:\n  $ sealift receipt page receipts/prod.json --signers signers -o prod.html",
    )
    .action(async (file: string, { output, ...flags }: Flags & { readonly output: string }) => {
      const { receipt, signers } = await readReceipt(file, policyOf(flags));
      await writeWhole(output, receiptPage(receipt, signers));
    });
}

function withPolicy(command: Command): Command {
  return command
    .requiredOption("--signers <path>", "keys that may sign: ssh-keygen(1), ALLOWED SIGNERS")
    .option("--revoked-keys <path>", "keys that sign nothing any more: a KRL, or one public key a line");
}

function policyOf({ signers, revokedKeys }: Flags): ReceiptPolicy {
  return { allowedSigners: signers, ...(revokedKeys === undefined ? {} : { revokedKeys }) };
}

/** What the hosts say is theirs; that it was written down so is what the signature says. */
function summary({ file, receipt, signers }: Checked, keys: string): string {
  const { site, number, previous, ended, run, bundle, warnings, hosts } = receipt;
  const rows = hosts.map(({ name, engine, wanted, changed, statement }) => [
    name,
    `engine ${engine} is asked for`,
    `${filesIn({ wanted, statement })} pinned files are there`,
    `says: ${factsIn(statement.facts)}`,
    `${changed.length} changed`,
  ]);
  const before = previous === null ? "the first" : `after ${previous.file}`;
  const who = bundle.signers.join(", ") || "nobody";
  return [
    `${site}, ${ended}: receipt ${number}, ${before}, signed by ${signers.join(", ")}; bundle serial ${bundle.serial}, signed by ${who}`,
    `checked with: sealift receipt verify ${visible(file)} --signers ${visible(keys)}`,
    `run by ${visible(run.user)} on ${visible(run.machine)} with Sealift ${visible(run.sealift)}, site ${commitWords(run)}`,
    verdictOf(receipt),
    columns(rows),
    ...warnings.map(
      ({ where, code, text }) => `warning  ${visible(where)}: ${visible(code)} ${visible(text)}`,
    ),
  ].join("\n");
}

function commitWords({ checkout }: Checked["receipt"]["run"]): string {
  if (checkout === null) return "in no git repository";
  return `commit ${checkout.commit}${checkout.changed ? ", with changes that are not committed" : ""}`;
}

const examples = `
It is checked as of the day that it bears: a key that has expired since then has signed it all the same. A key that was lost belongs
into --revoked-keys. Of a folder every receipt is checked, and that none between the first and the last is left out.

Examples:
  $ sealift receipt verify receipts/prod-20261121T180000Z.json --signers signers
  $ sealift receipt verify receipts --signers signers --revoked-keys revoked`;

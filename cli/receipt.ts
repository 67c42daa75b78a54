/** `sealift receipt …`: verifies and displays the signed receipts of runs. */
import { Command } from "commander";
import { receiptPage } from "../modules/receipt/page.ts";
import { verifyReceipts } from "../modules/receipt/chain.ts";
import { readSignedReceipt, type Checked, type ReceiptPolicy } from "../modules/receipt/sign.ts";
import { factsIn, filesIn, verdictOf } from "../modules/receipt/verdict.ts";
import { columns } from "./output/columns.ts";
import { visible } from "../modules/core/visible.ts";
import { writeAtomically } from "../modules/core/write-atomically.ts";
import { print, printJsonText } from "./output/print.ts";

interface Flags {
  readonly allowedSigners: string;
  readonly revokedKeys?: string;
}

export function receiptCommand(): Command {
  return new Command("receipt")
    .description("Verify and display the signed receipts of runs")
    .addCommand(verifyCommand())
    .addCommand(pageCommand());
}

function verifyCommand(): Command {
  return withPolicy(new Command("verify"))
    .description("Verify a receipt, or all receipts of a folder and their sequence; needs no network")
    .argument("<path>", "a receipt (its signature is <path>.sig), or a folder of receipts")
    .option("--json", "print the verified receipt as JSON; for a folder, a list of all receipts")
    .addHelpText("after", examples)
    .action(async (path: string, flags: Flags & { readonly json?: true }) => {
      const checked = await verifyReceipts(path, policyOf(flags));
      const [only] = checked;
      if (flags.json === true)
        printJsonText(checked.length === 1 ? only?.receipt : checked.map(({ receipt }) => receipt));
      else print(checked.map((one) => summary(one, flags.allowedSigners)).join("\n\n"));
    });
}

function pageCommand(): Command {
  return withPolicy(new Command("page"))
    .description("Render a receipt as one self-contained HTML page")
    .argument("<file>", "the receipt")
    .requiredOption("-o, --output <path>", "output file")
    .addHelpText(
      "after",
      "\nExample:\n  $ sealift receipt page receipts/prod.json --allowed-signers signers -o prod.html",
    )
    .action(async (file: string, { output, ...flags }: Flags & { readonly output: string }) => {
      const { receipt, signers } = await readSignedReceipt(file, policyOf(flags));
      await writeAtomically(output, receiptPage(receipt, signers));
    });
}

function withPolicy(command: Command): Command {
  return command
    .requiredOption("--allowed-signers <path>", "keys that may sign: ssh-keygen(1), ALLOWED SIGNERS")
    .option("--revoked-keys <path>", "revoked keys: a KRL, or one public key per line");
}

function policyOf({ allowedSigners, revokedKeys }: Flags): ReceiptPolicy {
  return { allowedSigners, ...(revokedKeys === undefined ? {} : { revokedKeys }) };
}

/** The host statements are the hosts' own; the signature only shows that they were recorded as they are. */
function summary({ file, receipt, signers }: Checked, keys: string): string {
  const { site, number, previous, ended, run, bundle, warnings, hosts } = receipt;
  const rows = hosts.map(({ name, engine, expectedFiles: expected, changed, statement }) => [
    name,
    `engine ${engine} requested`,
    `${filesIn({ expectedFiles: expected, statement })} pinned files present`,
    `reports: ${factsIn(statement.facts)}`,
    `${changed.length} changed`,
  ]);
  const before = previous === null ? "the first" : `after ${previous.file}`;
  const who = bundle.signers.join(", ") || "nobody";
  return [
    `${site}, ${ended}: receipt ${number}, ${before}, signed by ${signers.join(", ")}; bundle serial ${bundle.serial}, signed by ${who}`,
    `checked with: sealift receipt verify ${visible(file)} --allowed-signers ${visible(keys)}`,
    `run by ${visible(run.user)} on ${visible(run.machine)} with Sealift ${visible(run.sealift)}, site ${commitWords(run)}`,
    verdictOf(receipt),
    columns(rows),
    ...warnings.map(
      ({ where, code, text }) => `warning  ${visible(where)}: ${visible(code)} ${visible(text)}`,
    ),
  ].join("\n");
}

function commitWords({ checkout }: Checked["receipt"]["run"]): string {
  if (checkout === null) return "not in a git repository";
  return `commit ${checkout.commit}${checkout.changed ? ", with uncommitted changes" : ""}`;
}

const examples = `
A signature is verified as of the date of its receipt, so a key that has expired since then is still valid. Add a lost key to
--revoked-keys. For a folder, every receipt is verified, and a gap between the first and the last one is an error.

Examples:
  $ sealift receipt verify receipts/prod-20261121T180000Z.json --allowed-signers signers
  $ sealift receipt verify receipts --allowed-signers signers --revoked-keys revoked`;

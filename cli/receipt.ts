/** `sealift receipt …`: what a run has left for those outside. */
import { rename, writeFile } from "node:fs/promises";
import { Command } from "commander";
import { receiptPage } from "../modules/receipt/page.ts";
import type { Receipt } from "../modules/receipt/receipt.ts";
import { readReceipt } from "../modules/receipt/sign.ts";
import { columns } from "./columns.ts";
import { print } from "./print.ts";

interface Flags {
  readonly signers: string;
}

export function receiptCommand(): Command {
  return new Command("receipt")
    .description("checks and shows the receipt that a run has left (site file: receipt)")
    .addCommand(verifyCommand())
    .addCommand(pageCommand());
}

function verifyCommand(): Command {
  return new Command("verify")
    .description("checks the signature of a receipt and says what it says; needs no network")
    .argument("<file>", "the receipt; its signature is <file>.sig")
    .requiredOption("--signers <path>", "keys that may sign: ssh-keygen(1), ALLOWED SIGNERS")
    .option("--json", "print the receipt as JSON once it is checked")
    .addHelpText(
      "after",
      "\nExample:\n  $ sealift receipt verify receipts/prod-20261121T180000Z.json --signers signers",
    )
    .action(async (file: string, flags: Flags & { readonly json?: true }) => {
      const { receipt, signer } = await readReceipt(file, flags.signers);
      print(flags.json === true ? JSON.stringify(receipt, undefined, 2) : summary(receipt, signer));
    });
}

function pageCommand(): Command {
  return new Command("page")
    .description("writes a receipt as one HTML page that needs no network")
    .argument("<file>", "the receipt")
    .requiredOption("--signers <path>", "keys that may sign: ssh-keygen(1), ALLOWED SIGNERS")
    .requiredOption("-o, --output <path>", "the page")
    .addHelpText(
      "after",
      "\nExample:\n  $ sealift receipt page receipts/prod.json --signers signers -o prod.html",
    )
    .action(async (file: string, { signers, output }: Flags & { readonly output: string }) => {
      const { receipt, signer } = await readReceipt(file, signers);
      await writeFile(`${output}.part`, receiptPage(receipt, signer));
      await rename(`${output}.part`, output);
    });
}

function summary({ site, ended, bundle, hosts }: Receipt, signer: string): string {
  const rows = hosts.map(({ name, engine, facts, changed }) => {
    const wrong = facts.filter(({ holds }) => !holds).length;
    const verdict =
      wrong === 0 ? `${facts.length} facts hold` : `${wrong} of ${facts.length} facts do not hold`;
    return [name, `engine ${engine}`, verdict, `${changed.length} changed`];
  });
  return `${site}, ${ended}: signed by ${signer}, bundle serial ${bundle.serial}\n${columns(rows)}`;
}

/** After a run: one more look at every host, and what it shows as a signed receipt with its page. */
import * as pulumi from "@pulumi/pulumi";
import { inParallel } from "../../offline-bundle/parallel.ts";
import { probe } from "../core/probe.ts";
import type { ReceiptSpec } from "../core/site-spec.ts";
import { writeWhole } from "../core/write-whole.ts";
import { looksAtOnce } from "../look.ts";
import { withoutAuthorities } from "../phases.ts";
import type { Survey } from "../survey.ts";
import { nextInChain } from "./chain.ts";
import { receiptPage } from "./page.ts";
import { receiptSteps, hostReceipt, type Receipt } from "./receipt.ts";
import { writeReceipt } from "./sign.ts";

/**
 * Also of a run that has ended early: what it has left undone is what somebody will ask for. A preview leaves none, nor does
 * a site that asks for none.
 *
 * @param site as it was seen before the run.
 * @param stack name of the stack. @param began when the run began.
 * @throws {SealiftError} E_RECEIPT, E_SIGNING_KEY, E_TOOL.
 */
export async function leaveReceipt(site: Survey, stack: string, began: Date): Promise<void> {
  if (site.receipt === undefined || pulumi.runtime.isDryRun()) return;
  const file = await issueReceipt(site, site.receipt, stack, began);
  void pulumi.log.info(`receipt: ${file}`);
}

/**
 * Before a run: whether the receipt that it is to leave has a place.
 * @throws {SealiftError} E_RECEIPT.
 */
export async function expectReceipt({ receipt }: Pick<Survey, "receipt">, stack: string): Promise<void> {
  if (receipt !== undefined) await nextInChain(receipt.directory, stack);
}

/** @returns the path of the receipt; the page lies beside it. */
async function issueReceipt(
  site: Survey,
  { directory, key }: ReceiptSpec,
  stack: string,
  began: Date,
): Promise<string> {
  const { values: hosts } = await inParallel(site.hosts, looksAtOnce, async (seen) => {
    const host = site.authorities === undefined ? { ...seen, phases: withoutAuthorities(seen.phases) } : seen;
    const phases = [...Object.values(host.phases), { name: "receipt", steps: receiptSteps(host) }];
    return hostReceipt(host, await probe(host.spec, phases, site.library));
  });
  const receipt: Receipt = {
    format: 2,
    site: stack,
    ...(await nextInChain(directory, stack)),
    began: began.toISOString(),
    ended: new Date().toISOString(),
    bundle: { serial: site.bundle.serial, lockSha256: site.lockSha256, signers: site.signers },
    hosts,
  };
  const file = await writeReceipt(receipt, directory, key);
  const page = file.replace(/\.json$/, ".html");
  await writeWhole(page, receiptPage(receipt));
  return file;
}

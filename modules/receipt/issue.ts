/** After a run: one more look at every host, and what it shows as a signed receipt with its page. */
import * as pulumi from "@pulumi/pulumi";
import { inParallel } from "../../offline-bundle/parallel.ts";
import { differences, unheldFact } from "../core/drift.ts";
import { formatProblem, SealiftError, type Problem } from "../core/errors.ts";
import { probe, type Probe } from "../core/probe.ts";
import type { ReceiptSpec } from "../core/site-spec.ts";
import { writeWhole } from "../core/write-whole.ts";
import { looksAtOnce } from "../look.ts";
import { factPhases, withoutAuthorities, type HostPhases } from "../phases.ts";
import type { Survey, SurveyedHost } from "../survey.ts";
import { nextInChain } from "./chain.ts";
import { receiptPage } from "./page.ts";
import { receiptSteps, hostReceipt, type Receipt, type WarningReceipt } from "./receipt.ts";
import { runReceipt } from "./run.ts";
import { writeReceipt } from "./sign.ts";

/**
 * Also of a run that has ended early: what it has left undone is what somebody will ask for. A preview leaves none, nor does
 * a site that asks for none.
 *
 * @param site as it was seen before the run.
 * @param begun the hosts that were begun, with their phases as the run has left them.
 * @param stack name of the stack. @param began when the run began.
 * @returns what does not hold on these at this look, and why there is no receipt (E_RECEIPT, E_SIGNING_KEY, E_TOOL).
 */
export async function leaveReceipt(
  site: Survey,
  begun: ReadonlyMap<string, { readonly phases: HostPhases }>,
  stack: string,
  began: Date,
): Promise<readonly Problem[]> {
  if (site.receipt === undefined || pulumi.runtime.isDryRun()) return [];
  try {
    const { file, looks } = await issueReceipt(site, site.receipt, begun, stack, began);
    void pulumi.log.info(
      `receipt: ${file}; check it with: sealift receipt verify ${file} --signers <keys that may sign>`,
    );
    return looks.filter(({ spec }) => begun.has(spec.name)).flatMap(unheld);
  } catch (error) {
    if (error instanceof SealiftError) return error.problems;
    throw error;
  }
}

/** A host when the run has ended. */
interface LastLook extends SurveyedHost {
  readonly after: Probe;
}

function unheld({ spec, phases, after }: LastLook): readonly Problem[] {
  if (after.kind !== "reached") return [after.problem];
  const todo = "find out what has changed it during this run, then run pulumi up again";
  return factPhases(phases)
    .flatMap((phase) => differences(phase, after) ?? [])
    .map((one) => unheldFact(spec.name, one, todo));
}

/**
 * Before a run: whether the receipt that it is to leave has a place.
 * @throws {SealiftError} E_RECEIPT.
 */
export async function expectReceipt({ receipt }: Pick<Survey, "receipt">, stack: string): Promise<void> {
  if (receipt !== undefined) await nextInChain(receipt.directory, stack);
}

/** @returns the path of the receipt, beside which the page lies, and the looks that it is about. */
async function issueReceipt(
  site: Survey,
  { directory, key }: ReceiptSpec,
  begun: ReadonlyMap<string, { readonly phases: HostPhases }>,
  stack: string,
  began: Date,
): Promise<{ readonly file: string; readonly looks: readonly LastLook[] }> {
  const { values: looks } = await inParallel(site.hosts, looksAtOnce, async (seen) => {
    const known = site.authorities === undefined ? withoutAuthorities(seen.phases) : seen.phases;
    const host = { ...seen, phases: begun.get(seen.spec.name)?.phases ?? known };
    const phases = [...Object.values(host.phases), { name: "receipt", steps: receiptSteps(host) }];
    return { ...host, after: await probe(host.spec, phases, site.library) };
  });
  const receipt: Receipt = {
    format: 3,
    site: stack,
    ...(await nextInChain(directory, stack)),
    began: began.toISOString(),
    ended: new Date().toISOString(),
    bundle: { serial: site.bundle.serial, lockSha256: site.lockSha256, signers: site.signers },
    run: await runReceipt(),
    warnings: warningsOf(site),
    hosts: looks.map((look) => hostReceipt(look, look.after)),
  };
  const file = await writeReceipt(receipt, directory, key);
  const page = file.replace(/\.json$/, ".html");
  await writeWhole(page, receiptPage(receipt));
  return { file, looks };
}

/** What was told before the run. What a fact warned of is asked again afterwards, and stands with its host. */
function warningsOf({ warnings, hosts }: Survey): readonly WarningReceipt[] {
  const checks = hosts.flatMap((host) =>
    host.warnings.filter(({ subject }) => subject.startsWith("preflight.")),
  );
  return [...warnings, ...checks].slice(0, mostWarnings).map(warningReceipt);
}

const mostWarnings = 10_000;
const longestWarning = 2000;

function warningReceipt(problem: Problem): WarningReceipt {
  const { where, code } = problem;
  const text = formatProblem(problem).replace(`${where}: ${code} `, "").slice(0, longestWarning);
  return { where: where.slice(0, longestWarning), code, text };
}

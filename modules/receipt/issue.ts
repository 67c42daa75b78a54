/** After a run: probes every host again and writes the result as a signed receipt with its page. */
import * as pulumi from "@pulumi/pulumi";
import { inParallel } from "../../offline-bundle/io/parallel.ts";
import { differences, driftProblem } from "../core/host/drift.ts";
import { formatProblem, SealiftError, type Problem } from "../core/errors.ts";
import { probe, type Probe } from "../core/host/probe.ts";
import type { ReceiptSpec } from "../core/site/site-spec.ts";
import { writeAtomically } from "../core/write-atomically.ts";
import { probeConcurrency } from "../rollout/probe-site.ts";
import {
  factPhases,
  withoutCaBundles,
  withoutUnknownCertificates,
  type HostPhases,
} from "../rollout/phases.ts";
import type { SitePlan, HostPlan } from "../rollout/plan-site.ts";
import { nextInChain } from "./chain.ts";
import { receiptPage } from "./page.ts";
import { receiptSteps, hostReceipt, type Receipt, type WarningReceipt } from "./receipt.ts";
import { runReceipt } from "./run.ts";
import { sendReceipts } from "./send.ts";
import { writeReceipt } from "./sign.ts";

/**
 * A failed run writes a receipt too, because an auditor will ask what it left undone. A preview writes none, nor does a site
 * without receipts.
 *
 * @param site as probed before the run.
 * @param started the hosts that the run started on, with their phases at its end.
 * @param stack name of the stack.
 * @param began when the run began.
 * @returns the facts that do not hold on these hosts now, and why there is no receipt (E_RECEIPT, E_SIGNING_KEY, E_TOOL).
 */
export async function writeRunReceipt(
  site: SitePlan,
  started: ReadonlyMap<string, { readonly phases: HostPhases }>,
  stack: string,
  began: Date,
): Promise<readonly Problem[]> {
  if (site.receipt === undefined || pulumi.runtime.isDryRun()) return [];
  try {
    const { file, hosts } = await issueReceipt(site, site.receipt, started, stack, began);
    void pulumi.log.info(
      `receipt: ${file}; verify it with: sealift receipt verify ${file} --allowed-signers <keys that may sign>`,
    );
    const unsent = await sendReceipts(
      hosts.map(({ spec }) => spec),
      site.receipt.directory,
      stack,
    );
    if (unsent !== undefined) void pulumi.log.warn(formatProblem(unsent));
    return hosts.filter(({ spec }) => started.has(spec.name)).flatMap(failedFacts);
  } catch (error) {
    if (error instanceof SealiftError) return error.problems;
    throw error;
  }
}

/** A host at the end of the run. */
interface FinalProbe extends HostPlan {
  readonly after: Probe;
}

function failedFacts({ spec, phases, after }: FinalProbe): readonly Problem[] {
  if (after.kind !== "reached") return [after.problem];
  const fix = "find out what changed it during this run, then run pulumi up again";
  return factPhases(phases)
    .flatMap((phase) => differences(phase, after) ?? [])
    .map((one) => driftProblem(spec.name, one, fix));
}

/**
 * Before a run: whether its receipt can be written.
 * @throws {SealiftError} E_RECEIPT.
 */
export async function expectReceipt({ receipt }: Pick<SitePlan, "receipt">, stack: string): Promise<void> {
  if (receipt !== undefined) await nextInChain(receipt.directory, stack);
}

/** @returns the path of the receipt, with the page beside it, and the probes that it reports. */
async function issueReceipt(
  site: SitePlan,
  { directory, key }: ReceiptSpec,
  started: ReadonlyMap<string, { readonly phases: HostPhases }>,
  stack: string,
  began: Date,
): Promise<{ readonly file: string; readonly hosts: readonly FinalProbe[] }> {
  const { values: hosts } = await inParallel(site.hosts, probeConcurrency, async (planned) => {
    const known = site.caBundles === undefined ? withoutCaBundles(planned.phases) : planned.phases;
    const phases = withoutUnknownCertificates(started.get(planned.spec.name)?.phases ?? known);
    const host = { ...planned, phases };
    const all = [...Object.values(host.phases), { name: "receipt", steps: receiptSteps(host) }];
    return { ...host, after: await probe(host.spec, all, site.library) };
  });
  const receipt: Receipt = {
    format: 4,
    site: stack,
    ...(await nextInChain(directory, stack)),
    began: began.toISOString(),
    ended: new Date().toISOString(),
    bundle: { serial: site.bundle.serial, lockSha256: site.lockSha256, signers: site.signers },
    run: await runReceipt(),
    warnings: warningsOf(site),
    hosts: hosts.map((host) => hostReceipt(host, host.after)),
  };
  const file = await writeReceipt(receipt, directory, key);
  const page = file.replace(/\.json$/, ".html");
  await writeAtomically(page, receiptPage(receipt));
  return { file, hosts };
}

/** Warnings from before the run. Facts with a warning are checked again afterwards and reported with their host. */
function warningsOf({ warnings, hosts }: SitePlan): readonly WarningReceipt[] {
  const checks = hosts.flatMap((host) =>
    host.warnings.filter(({ subject }) => subject.startsWith("preflight.")),
  );
  return [...warnings, ...checks].slice(0, maxWarnings).map(warningReceipt);
}

const maxWarnings = 10_000;
const longestWarning = 2000;

function warningReceipt(problem: Problem): WarningReceipt {
  const { where, code } = problem;
  const text = formatProblem(problem).replace(`${where}: ${code} `, "").slice(0, longestWarning);
  return { where: where.slice(0, longestWarning), code, text };
}

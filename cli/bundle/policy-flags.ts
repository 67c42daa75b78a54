/** What `verify` and `accept` ask of a bundle: the same flags, and the same loud words when one of them opts out. */
import { type Command, InvalidArgumentError } from "commander";
import { formatProblem, type Problem } from "../../modules/core/errors.ts";
import type { VerifiedBundle, VerifyOptions } from "../../offline-bundle/verify.ts";
import { size } from "../columns.ts";
import type { ProgressLine } from "../progress.ts";
import { printError } from "../print.ts";

export interface PolicyFlags {
  readonly signers: string;
  readonly lock?: string;
  readonly revoked?: string;
  readonly signatures?: number;
  readonly platform?: readonly string[];
  readonly requireAccepted?: true;
  readonly insecureAllowOlder?: true;
  readonly insecureAllowExpired?: true;
  readonly insecureAllowUnsigned?: true;
}

/** `--signers` is left to the command: whether it is required differs. */
export function addPolicyFlags(command: Command): Command {
  return command
    .option("--lock <path>", "the lock that the bundle must have been built from")
    .option("--revoked <path>", "keys that no longer count: a KRL, or one public key a line")
    .option("--signatures <number>", "how many different people must have signed (default: 1)", count)
    .option("--platform <platform>", "a platform that it must be for: linux/arm64; may be repeated", collect)
    .option("--require-accepted", "without a list of accepted bundles nothing passes")
    .option("--insecure-allow-older", "a serial below the last accepted one passes; accept writes that down")
    .option("--insecure-allow-expired", "a bundle that has expired passes; accept writes that down")
    .option("--insecure-allow-unsigned", "no signature at all passes; accept writes that down");
}

export function verifyOptions(flags: PolicyFlags, progress: ProgressLine): VerifyOptions {
  return {
    allowedSigners: flags.signers,
    ...(flags.lock === undefined ? {} : { lockFile: flags.lock }),
    ...(flags.revoked === undefined ? {} : { revokedKeys: flags.revoked }),
    ...(flags.signatures === undefined ? {} : { signatures: flags.signatures }),
    ...(flags.platform === undefined ? {} : { platforms: flags.platform }),
    ...(flags.requireAccepted === true ? { requireAccepted: true } : {}),
    ...(flags.insecureAllowOlder === true ? { allowOlder: true } : {}),
    ...(flags.insecureAllowExpired === true ? { allowExpired: true } : {}),
    ...(flags.insecureAllowUnsigned === true ? { allowUnsigned: true } : {}),
    progress: (bytes, total) => {
      progress.report(`reading ${size(total)}`, bytes / total);
    },
  };
}

/** On stderr: what a flag has let pass, what to know all the same, and which signatures did not count. */
export function tellWaived(
  flags: PolicyFlags,
  { waived, warnings, passedOver }: Pick<VerifiedBundle, "waived" | "warnings" | "passedOver">,
): void {
  tellWarnings(warnings);
  const given = [
    ...(flags.insecureAllowOlder === true ? [["--insecure-allow-older", "E_BUNDLE_SERIAL"] as const] : []),
    ...(flags.insecureAllowExpired === true
      ? [["--insecure-allow-expired", "E_BUNDLE_EXPIRED"] as const]
      : []),
    ...(flags.insecureAllowUnsigned === true
      ? [["--insecure-allow-unsigned", "E_BUNDLE_UNSIGNED"] as const]
      : []),
  ];
  for (const [flag, waivedCode] of given) {
    const problems = waived.filter(({ code }) => code === waivedCode);
    if (problems.length === 0) printError(`INSECURE ${flag}: there was nothing to let pass`);
    for (const problem of problems) printError(`INSECURE ${flag} lets pass: ${formatProblem(problem)}`);
  }
  for (const { where, subject, got } of passedOver) printError(`does not count: ${where} ${subject}: ${got}`);
}

/** On stderr, on every run: what to know of a bundle that passes. */
export function tellWarnings(warnings: readonly Problem[]): void {
  for (const problem of warnings) printError(`warning: ${formatProblem(problem)}`);
}

function count(text: string): number {
  if (!/^[1-9]$/.test(text)) throw new InvalidArgumentError("It is a number from 1 to 9.");
  return Number(text);
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** The policy options that `verify` and `accept` share, and the warnings for options that override a refusal. */
import { type Command, InvalidArgumentError } from "commander";
import { formatProblem, type Problem } from "../../modules/core/errors.ts";
import type { VerifiedBundle, VerifyOptions } from "../../offline-bundle/verify.ts";
import { size } from "../output/columns.ts";
import type { ProgressLine } from "../output/progress.ts";
import { printError } from "../output/print.ts";

export interface PolicyFlags {
  readonly allowedSigners: string;
  readonly lock?: string;
  readonly revokedKeys?: string;
  readonly minSignatures?: number;
  readonly platform?: readonly string[];
  readonly requireAccepted?: true;
  readonly insecureAllowOlder?: true;
  readonly insecureAllowExpired?: true;
  readonly insecureAllowUnsigned?: true;
}

/** Adds the shared options. The command adds `--allowed-signers`, which only some commands require. */
export function addPolicyFlags(command: Command): Command {
  return command
    .option("--lock <path>", "require the bundle to be built from this lock file")
    .option("--revoked-keys <path>", "revoked keys: a KRL, or one public key per line")
    .option(
      "--min-signatures <number>",
      "number of different people who must have signed (default: 1)",
      count,
    )
    .option("--platform <platform>", "require this platform: linux/arm64; repeatable", collect)
    .option("--require-accepted", "refuse the bundle if no list of accepted bundles exists")
    .option("--insecure-allow-older", "allow a serial below the last accepted one; accept records this")
    .option("--insecure-allow-expired", "allow an expired bundle; accept records this")
    .option("--insecure-allow-unsigned", "allow a bundle without any signature; accept records this");
}

export function verifyOptions(flags: PolicyFlags, progress: ProgressLine): VerifyOptions {
  return {
    allowedSigners: flags.allowedSigners,
    ...(flags.lock === undefined ? {} : { lockFile: flags.lock }),
    ...(flags.revokedKeys === undefined ? {} : { revokedKeys: flags.revokedKeys }),
    ...(flags.minSignatures === undefined ? {} : { minSignatures: flags.minSignatures }),
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

/** On stderr: what a flag has overridden, the warnings, and the ignored signatures. */
export function printOverridden(
  flags: PolicyFlags,
  {
    overridden,
    warnings,
    ignoredSignatures,
  }: Pick<VerifiedBundle, "overridden" | "warnings" | "ignoredSignatures">,
): void {
  printWarnings(warnings);
  const given = [
    ...(flags.insecureAllowOlder === true ? [["--insecure-allow-older", "E_BUNDLE_SERIAL"] as const] : []),
    ...(flags.insecureAllowExpired === true
      ? [["--insecure-allow-expired", "E_BUNDLE_EXPIRED"] as const]
      : []),
    ...(flags.insecureAllowUnsigned === true
      ? [["--insecure-allow-unsigned", "E_BUNDLE_UNSIGNED"] as const]
      : []),
  ];
  for (const [flag, overriddenCode] of given) {
    const problems = overridden.filter(({ code }) => code === overriddenCode);
    if (problems.length === 0) printError(`INSECURE ${flag}: not needed for this bundle`);
    for (const problem of problems) printError(`INSECURE ${flag} overrides: ${formatProblem(problem)}`);
  }
  for (const { where, subject, found } of ignoredSignatures)
    printError(`ignored signature: ${where} ${subject}: ${found}`);
}

/** On stderr, on every run: warnings about a bundle that passes. */
export function printWarnings(warnings: readonly Problem[]): void {
  for (const problem of warnings) printError(`warning: ${formatProblem(problem)}`);
}

function count(text: string): number {
  if (!/^[1-9]$/.test(text)) throw new InvalidArgumentError("The value must be a number from 1 to 9.");
  return Number(text);
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

import { Command } from "commander";
import { refuse } from "../../modules/core/errors.ts";
import type { LockCoverage } from "../../modules/environments/lock-coverage.ts";
import { isArchive } from "../../offline-bundle/archive/archive-source.ts";
import { holderName } from "../../offline-bundle/archive/delta.ts";
import { type VerifiedArchive, verifyArchive, verifyBundle } from "../../offline-bundle/verify.ts";
import { columns, size } from "../output/columns.ts";
import { progressLine } from "../output/progress.ts";
import { coverageRow } from "./coverage-row.ts";
import { printJson } from "../output/or-json.ts";
import { addPolicyFlags, type PolicyFlags, printOverridden, verifyOptions } from "./policy-flags.ts";
import { print } from "../output/print.ts";

export function verifyCommand(): Command {
  const command: Command = new Command("verify")
    .description("Verify signatures, policy, index, manifests and every blob of a bundle; needs no network")
    .argument("[bundle]", "directory, .tar.zst archive, .parts.json, or first part")
    .option(
      "--allowed-signers <path>",
      "keys that may sign: ssh-keygen(1), ALLOWED SIGNERS (required with a bundle)",
    );
  return addPolicyFlags(command)
    .option(
      "--stacks [folder]",
      "require every version and image that the environments in this folder use (examples are skipped if there are other environments)",
    )
    .option("--lock-only", "check only the lock and the environments; needs no bundle")
    .option("--json", "print the result, or all problems, as JSON")
    .addHelpText("after", examples)
    .action(async (directory: string | undefined, flags: VerifyFlags) => {
      const stacks = flags.stacks === true ? "stacks" : flags.stacks;
      if (flags.lockOnly === true) {
        if (directory !== undefined) command.error(`error: --lock-only takes no bundle, got '${directory}'`);
        // Reading environments adds half of the start-up time and 10 MB, so it is loaded only on demand.
        const { verifyLock } = await import("./verify-lock.ts");
        await verifyLock({ ...flags, stacks: stacks ?? "stacks" });
        return;
      }
      if (directory === undefined) command.error("error: missing required argument 'bundle'");
      const { allowedSigners } = flags;
      if (allowedSigners === undefined)
        command.error("error: required option '--allowed-signers <path>' not specified");
      const work = (): Promise<Verified> => verify(directory, { ...flags, allowedSigners }, stacks);
      if (flags.json === true) await printJson(async () => forScripts(await work()));
      else print(columns(rows(await work())));
    });
}

type VerifyFlags = Partial<PolicyFlags> & {
  readonly stacks?: string | true;
  readonly lockOnly?: true;
  readonly json?: true;
};

interface Verified {
  readonly bundle: VerifiedArchive;
  readonly coverage?: LockCoverage;
}

async function verify(directory: string, flags: PolicyFlags, stacks: string | undefined): Promise<Verified> {
  const progress = progressLine();
  const check = (await isArchive(directory)) ? verifyArchive : verifyBundle;
  const bundle: VerifiedArchive = await check(directory, verifyOptions(flags, progress)).finally(
    progress.end,
  );
  printOverridden(flags, bundle);
  if (stacks === undefined) return { bundle };
  const { lockCoverage: coverageOf } = await import("../../modules/environments/lock-coverage.ts");
  const coverage = coverageOf(bundle.lock, stacks);
  refuse(coverage.problems);
  return { bundle, coverage };
}

function rows({ bundle, coverage }: Verified): readonly (readonly [string, string])[] {
  return [
    ["bundle", bundle.directory],
    ["serial", String(bundle.serial)],
    ["signed by", bundle.signers.join(", ") || "nobody"],
    ...(bundle.manifest.expires === undefined ? [] : [["expires", bundle.manifest.expires] as const]),
    ["lock", `sha256 ${bundle.lockSha256}`],
    ["blobs", `${bundle.blobs}, ${size(bundle.bytes)}, all as signed`],
    ...(bundle.needs === undefined ? [] : [["needs", needsText(bundle.needs)] as const]),
    ...bundle.engines().map(({ version, platform }) => ["engine", `${version} ${platform}`] as const),
    ...bundle.lock.images.map(({ name, platforms }) => ["image", `${name} ${platforms.join(" ")}`] as const),
    ...(coverage === undefined ? [] : [coverageRow(coverage)]),
  ];
}

function forScripts({ bundle, coverage }: Verified): object {
  const { directory, serial, signer, signers, lockSha256, blobs, bytes, lock } = bundle;
  const { overridden, warnings, ignoredSignatures } = bundle;
  const engines = bundle.engines().map(({ version, platform }) => ({ version, platform }));
  return {
    ...{ directory, serial, signer, signers, lockSha256, blobs, bytes, engines, images: lock.images },
    ...{ overridden, warnings, ignoredSignatures },
    ...(bundle.manifest.expires === undefined ? {} : { expires: bundle.manifest.expires }),
    ...(bundle.needs === undefined ? {} : { needs: bundle.needs }),
    ...(coverage === undefined ? {} : { stacks: coverage.files, hosts: coverage.hosts }),
  };
}

function needsText({ base, blobs, bytes }: NonNullable<VerifiedArchive["needs"]>): string {
  return `${blobs} blobs, ${size(bytes)}, of ${holderName(base)}: sealift bundle unpack --base`;
}

const examples = `
Examples:
  $ sealift bundle verify /mnt/usb/bundle --allowed-signers allowed_signers
  $ sealift bundle verify /mnt/usb/bundle --allowed-signers allowed_signers --min-signatures 2 --revoked-keys revoked_keys
  $ sealift bundle verify /mnt/usb/bundle.tar.zst.001 --allowed-signers allowed_signers
  $ sealift bundle verify /mnt/usb/bundle --allowed-signers allowed_signers --stacks
  $ sealift bundle verify --lock-only                  the lock and stacks/ of this checkout, no bundle`;

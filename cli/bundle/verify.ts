import { Command } from "commander";
import { refuse } from "../../modules/core/errors.ts";
import type { Coverage } from "../../modules/coverage.ts";
import { isCarried } from "../../offline-bundle/carried-source.ts";
import { holderName } from "../../offline-bundle/delta.ts";
import { type VerifiedCarried, verifyCarried } from "../../offline-bundle/verify-carried.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { columns, size } from "../columns.ts";
import { progressLine } from "../progress.ts";
import { coverageRow } from "./coverage-row.ts";
import { printJson } from "./or-json.ts";
import { addPolicyFlags, type PolicyFlags, tellWaived, verifyOptions } from "./policy-flags.ts";
import { print } from "../print.ts";

export function verifyCommand(): Command {
  const command: Command = new Command("verify")
    .description("checks signatures, policy, index, manifests and every blob; needs no network")
    .argument(
      "[bundle]",
      "the directory, or what is carried: the .tar.zst, its .parts.json, or its first part",
    )
    .option(
      "--signers <path>",
      "keys that may sign: ssh-keygen(1), ALLOWED SIGNERS (required with a bundle)",
    );
  return addPolicyFlags(command)
    .option(
      "--stacks [folder]",
      "everything that an environment of this folder asks for must be in it; examples only where there is nothing else",
    )
    .option("--lock-only", "check the lock alone, and the environments; needs no bundle")
    .option("--json", "print the result, or all problems, as JSON")
    .addHelpText("after", examples)
    .action(async (directory: string | undefined, flags: VerifyFlags) => {
      const stacks = flags.stacks === true ? "stacks" : flags.stacks;
      if (flags.lockOnly === true) {
        if (directory !== undefined) command.error(`error: --lock-only takes no bundle, got '${directory}'`);
        // Reading environments takes half as long again to start, and 10 MB: only for those who ask for it.
        const { verifyLock } = await import("./verify-lock.ts");
        await verifyLock({ ...flags, stacks: stacks ?? "stacks" });
        return;
      }
      if (directory === undefined) command.error("error: missing required argument 'bundle'");
      const { signers } = flags;
      if (signers === undefined) command.error("error: required option '--signers <path>' not specified");
      const work = (): Promise<Verified> => verify(directory, { ...flags, signers }, stacks);
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
  readonly bundle: VerifiedCarried;
  readonly coverage?: Coverage;
}

async function verify(directory: string, flags: PolicyFlags, stacks: string | undefined): Promise<Verified> {
  const progress = progressLine();
  const check = (await isCarried(directory)) ? verifyCarried : verifyBundle;
  const bundle: VerifiedCarried = await check(directory, verifyOptions(flags, progress)).finally(
    progress.end,
  );
  tellWaived(flags, bundle);
  if (stacks === undefined) return { bundle };
  const { coverageOf } = await import("../../modules/coverage.ts");
  const coverage = coverageOf(bundle.lock, stacks);
  refuse(coverage.problems);
  return { bundle, coverage };
}

function rows({ bundle, coverage }: Verified): readonly (readonly [string, string])[] {
  return [
    ["bundle", bundle.directory],
    ["serial", String(bundle.serial)],
    ["signed by", bundle.signers.join(", ") || "nobody"],
    ...(bundle.seal.expires === undefined ? [] : [["expires", bundle.seal.expires] as const]),
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
  const { waived, warnings, passedOver } = bundle;
  const engines = bundle.engines().map(({ version, platform }) => ({ version, platform }));
  return {
    ...{ directory, serial, signer, signers, lockSha256, blobs, bytes, engines, images: lock.images },
    ...{ waived, warnings, passedOver },
    ...(bundle.seal.expires === undefined ? {} : { expires: bundle.seal.expires }),
    ...(bundle.needs === undefined ? {} : { needs: bundle.needs }),
    ...(coverage === undefined ? {} : { stacks: coverage.files, hosts: coverage.hosts }),
  };
}

function needsText({ base, blobs, bytes }: NonNullable<VerifiedCarried["needs"]>): string {
  return `${blobs} blobs, ${size(bytes)}, of ${holderName(base)}: sealift bundle unpack --base`;
}

const examples = `
Examples:
  $ sealift bundle verify /mnt/usb/bundle --signers allowed_signers
  $ sealift bundle verify /mnt/usb/bundle --signers allowed_signers --signatures 2 --revoked revoked_keys
  $ sealift bundle verify /mnt/usb/bundle.tar.zst.001 --signers allowed_signers
  $ sealift bundle verify /mnt/usb/bundle --signers allowed_signers --stacks
  $ sealift bundle verify --lock-only                  the lock and stacks/ of this checkout, no bundle`;

import { Command } from "commander";
import { SealiftError } from "../../modules/core/errors.ts";
import { isCarried } from "../../offline-bundle/carried-source.ts";
import { holderName } from "../../offline-bundle/delta.ts";
import { type VerifiedCarried, verifyCarried } from "../../offline-bundle/verify-carried.ts";
import { type VerifiedBundle, verifyBundle } from "../../offline-bundle/verify.ts";
import { columns, size } from "../columns.ts";
import { exitCode } from "../exit-code.ts";
import { progressLine } from "../progress.ts";

export function verifyCommand(): Command {
  return new Command("verify")
    .description("checks signature, index, manifests and every blob; needs no network")
    .argument(
      "<bundle>",
      "the directory, or what is carried: the .tar.zst, its .parts.json, or its first part",
    )
    .requiredOption("--signers <path>", "keys that may sign: ssh-keygen(1), ALLOWED SIGNERS")
    .option("--lock <path>", "the lock that the bundle must have been built from")
    .option("--json", "print the result, or all problems, as JSON")
    .addHelpText(
      "after",
      "\nExample:\n  $ sealift bundle verify /mnt/usb/bundle.tar.zst.001 --signers allowed_signers",
    )
    .action(async (directory: string, flags: VerifyFlags) => {
      if (flags.json === true) await printJson(directory, flags);
      else console.log(columns(rows(await verify(directory, flags))));
    });
}

/** Of a directory or of what is carried. */
type Verified = VerifiedCarried & Partial<Pick<VerifiedBundle, "blobPath">>;

interface VerifyFlags {
  readonly signers: string;
  readonly lock?: string;
  readonly json?: true;
}

async function verify(directory: string, flags: VerifyFlags): Promise<Verified> {
  const progress = progressLine();
  const check = (await isCarried(directory)) ? verifyCarried : verifyBundle;
  return check(directory, {
    allowedSigners: flags.signers,
    ...(flags.lock === undefined ? {} : { lockFile: flags.lock }),
    progress: (bytes, total) => {
      progress.report(`reading ${size(total)}`, bytes / total);
    },
  }).finally(progress.end);
}

function rows(bundle: Verified): readonly (readonly [string, string])[] {
  return [
    ["bundle", bundle.directory],
    ["serial", String(bundle.serial)],
    ["signed by", bundle.signer],
    ["lock", `sha256 ${bundle.lockSha256}`],
    ["blobs", `${bundle.blobs}, ${size(bundle.bytes)}, all as signed`],
    ...(bundle.needs === undefined ? [] : [["needs", needsText(bundle.needs)] as const]),
    ...bundle.engines().map(({ version, platform }) => ["engine", `${version} ${platform}`] as const),
    ...bundle.lock.images.map(({ name, platforms }) => ["image", `${name} ${platforms.join(" ")}`] as const),
  ];
}

function needsText({ base, blobs, bytes }: NonNullable<Verified["needs"]>): string {
  return `${blobs} blobs, ${size(bytes)}, of ${holderName(base)}: sealift bundle unpack --base`;
}

async function printJson(directory: string, flags: VerifyFlags): Promise<void> {
  const print = (value: object): void => {
    console.log(JSON.stringify(value, undefined, 2));
  };
  try {
    const bundle = await verify(directory, flags);
    const { serial, signer, lockSha256, blobs, bytes } = bundle;
    const engines = bundle.engines().map(({ version, platform }) => ({ version, platform }));
    print({
      ok: true,
      directory,
      serial,
      signer,
      lockSha256,
      blobs,
      bytes,
      engines,
      images: bundle.lock.images,
      ...(bundle.needs === undefined ? {} : { needs: bundle.needs }),
    });
  } catch (error) {
    if (!(error instanceof SealiftError)) throw error;
    print({ ok: false, problems: error.problems });
    process.exitCode = exitCode(error);
  }
}

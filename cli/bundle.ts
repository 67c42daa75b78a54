/** `sealift bundle …`: one command per verb of offline-bundle/. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { SealiftError } from "../modules/core/errors.ts";
import { buildBundle } from "../offline-bundle/build.ts";
import { lockBundle } from "../offline-bundle/lock.ts";
import { type VerifiedBundle, verifyBundle } from "../offline-bundle/verify.ts";
import { exitCode } from "./exit-code.ts";
import { columns, size } from "./columns.ts";
import { progressLine } from "./progress.ts";

const checkout = fileURLToPath(new URL("..", import.meta.url));
const defaultFile = join("offline-bundle", "bundle.yaml");
const defaultLock = join("offline-bundle", "bundle.lock.yaml");
/** Downloads are kept here; deleting it is always safe. */
const store = join(process.env["SEALIFT_CACHE"] ?? join(checkout, ".cache"), "bundle-files");

export function bundleCommand(): Command {
  return new Command("bundle")
    .description("pins, builds and checks the bundle that carries every byte into the site")
    .addCommand(lockCommand())
    .addCommand(buildCommand())
    .addCommand(verifyCommand());
}

function lockCommand(): Command {
  return new Command("lock")
    .description("resolves bundle.yaml to exact bytes; pins that are there are kept and checked")
    .option("--file <path>", "what the team wants", defaultFile)
    .option("--lock <path>", "the lock to bring up to date", defaultLock)
    .addHelpText("after", "\nExample:\n  $ sealift bundle lock && git diff offline-bundle/bundle.lock.yaml")
    .action(async (options: { file: string; lock: string }) => {
      const progress = progressLine();
      const { lock, changes, written } = await lockBundle({
        bundleFile: options.file,
        lockFile: options.lock,
        store,
        report: progress.report,
      }).finally(progress.end);
      console.log(columns(changes.map(({ item, change }) => [change, item])));
      console.log(
        `${options.lock}: serial ${lock.serial}, ${written ? "written: review the diff" : "unchanged"}`,
      );
    });
}

function buildCommand(): Command {
  return new Command("build")
    .description("packs exactly what the lock pins into a bundle, and signs it")
    .argument("<directory>", "where the bundle goes; an earlier bundle there is replaced")
    .option("--file <path>", "what the team wants", defaultFile)
    .option("--lock <path>", "the pins", defaultLock)
    .option("--key <path>", "ssh key to sign with; a public key is looked up in the ssh agent")
    .addHelpText("after", "\nExample:\n  $ sealift bundle build out/bundle --key ~/.ssh/id_ed25519")
    .action(async (directory: string, options: { file: string; lock: string; key?: string }) => {
      const progress = progressLine();
      const seal = await buildBundle({
        bundleFile: options.file,
        lockFile: options.lock,
        store,
        directory,
        report: progress.report,
        ...(options.key === undefined ? {} : { key: options.key }),
      }).finally(progress.end);
      const signed = options.key === undefined ? "unsigned: verify will refuse it" : "signed";
      console.log(`${directory}: serial ${seal.serial}, ${seal.manifests.length} manifests, ${signed}`);
    });
}

interface VerifyFlags {
  readonly signers: string;
  readonly lock?: string;
  readonly json?: true;
}

function verifyCommand(): Command {
  return new Command("verify")
    .description("checks signature, index, manifests and every blob; needs no network")
    .argument("<directory>", "the bundle")
    .requiredOption("--signers <path>", "keys that may sign: ssh-keygen(1), ALLOWED SIGNERS")
    .option("--lock <path>", "the lock that the bundle must have been built from")
    .option("--json", "print the result, or all problems, as JSON")
    .addHelpText("after", "\nExample:\n  $ sealift bundle verify /mnt/usb/bundle --signers allowed_signers")
    .action(async (directory: string, flags: VerifyFlags) => {
      if (flags.json === true) await printJson(directory, flags);
      else console.log(columns(rows(await verify(directory, flags))));
    });
}

async function verify(directory: string, flags: VerifyFlags): Promise<VerifiedBundle> {
  const progress = progressLine();
  return verifyBundle(directory, {
    allowedSigners: flags.signers,
    ...(flags.lock === undefined ? {} : { lockFile: flags.lock }),
    progress: (bytes, total) => {
      progress.report(`reading ${size(total)}`, bytes / total);
    },
  }).finally(progress.end);
}

function rows(bundle: VerifiedBundle): readonly (readonly [string, string])[] {
  return [
    ["bundle", bundle.directory],
    ["serial", String(bundle.serial)],
    ["signed by", bundle.signer],
    ["lock", `sha256 ${bundle.lockSha256}`],
    ["blobs", `${bundle.blobs}, ${size(bundle.bytes)}, all as signed`],
    ...bundle.engines().map(({ version, platform }) => ["engine", `${version} ${platform}`] as const),
    ...bundle.lock.images.map(({ name, platforms }) => ["image", `${name} ${platforms.join(" ")}`] as const),
  ];
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
    });
  } catch (error) {
    if (!(error instanceof SealiftError)) throw error;
    print({ ok: false, problems: error.problems });
    process.exitCode = exitCode(error);
  }
}

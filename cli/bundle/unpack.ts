import { Command } from "commander";
import { unpackBundle } from "../../offline-bundle/unpack.ts";
import { columns, size } from "../columns.ts";
import { progressLine } from "../progress.ts";

export function unpackCommand(): Command {
  return new Command("unpack")
    .description("makes a bundle out of a carried file or its parts, and verifies all of it on the way")
    .argument("<file>", "the .tar.zst, its .parts.json, or its first part")
    .argument("<directory>", "where the bundle goes; an earlier bundle there is replaced")
    .requiredOption("--signers <path>", "keys that may sign: ssh-keygen(1), ALLOWED SIGNERS")
    .option("--lock <path>", "the lock that the bundle must have been built from")
    .option("--base <directory>", "an earlier bundle that has what a delta leaves out")
    .addHelpText("after", examples)
    .action(async (file: string, directory: string, { signers, lock, base }: UnpackFlags) => {
      const progress = progressLine();
      const bundle = await unpackBundle(file, directory, {
        allowedSigners: signers,
        ...(lock === undefined ? {} : { lockFile: lock }),
        ...(base === undefined ? {} : { base }),
        progress: (bytes, total) => {
          progress.report(`unpacking ${size(total)}`, bytes / total);
        },
      }).finally(progress.end);
      const rows = [
        ["bundle", directory],
        ["serial", String(bundle.serial)],
        ["signed by", bundle.signer],
        ["blobs", `${bundle.blobs}, ${size(bundle.bytes)} came in, all as signed`],
      ];
      console.log(columns(rows));
    });
}

interface UnpackFlags {
  readonly signers: string;
  readonly lock?: string;
  readonly base?: string;
}

const examples = `
It can be interrupted at any time and is then run again.

Examples:
  $ sealift bundle unpack /mnt/usb/bundle.tar.zst.parts.json /srv/bundle --signers allowed_signers
  $ sealift bundle unpack /mnt/usb/delta.tar.zst /srv/bundle-8 --base /srv/bundle-7 --signers allowed_signers`;

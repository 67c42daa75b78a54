import { Command } from "commander";
import { unpackBundle } from "../../offline-bundle/unpack.ts";
import { columns, size } from "../columns.ts";
import { progressLine } from "../progress.ts";
import { addPolicyFlags, type PolicyFlags, tellWaived, verifyOptions } from "./policy-flags.ts";
import { print } from "../print.ts";

export function unpackCommand(): Command {
  const command = new Command("unpack")
    .description("makes a bundle out of a carried file or its parts, and verifies all of it on the way")
    .argument("<file>", "the .tar.zst, its .parts.json, or its first part")
    .argument("<directory>", "where the bundle goes; an earlier bundle there is replaced")
    .requiredOption("--signers <path>", "keys that may sign: ssh-keygen(1), ALLOWED SIGNERS")
    .option("--base <directory>", "an earlier bundle that has what a delta leaves out")
    .addHelpText("after", examples);
  return addPolicyFlags(command).action(async (file: string, directory: string, flags: UnpackFlags) => {
    const progress = progressLine();
    const bundle = await unpackBundle(file, directory, {
      ...verifyOptions(flags, progress),
      ...(flags.base === undefined ? {} : { base: flags.base }),
      progress: (bytes, total) => {
        progress.report(`unpacking ${size(total)}`, bytes / total);
      },
    }).finally(progress.end);
    tellWaived(flags, bundle);
    const rows = [
      ["bundle", directory],
      ["serial", String(bundle.serial)],
      ["signed by", bundle.signers.join(", ") || "nobody"],
      ["blobs", `${bundle.blobs}, ${size(bundle.bytes)} came in, all as signed`],
    ];
    print(columns(rows));
  });
}

interface UnpackFlags extends PolicyFlags {
  readonly base?: string;
}

const examples = `
It can be interrupted at any time and is then run again.

Examples:
  $ sealift bundle unpack /mnt/usb/bundle.tar.zst.parts.json /srv/bundle --signers allowed_signers
  $ sealift bundle unpack /mnt/usb/delta.tar.zst /srv/bundle-8 --base /srv/bundle-7 --signers allowed_signers`;

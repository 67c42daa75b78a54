import { Command } from "commander";
import { unpackBundle } from "../../offline-bundle/unpack.ts";
import { columns, size } from "../output/columns.ts";
import { progressLine } from "../output/progress.ts";
import { addPolicyFlags, type PolicyFlags, printOverridden, verifyOptions } from "./policy-flags.ts";
import { print } from "../output/print.ts";

export function unpackCommand(): Command {
  const command = new Command("unpack")
    .description("Unpack an archive or its parts into a bundle, and verify it")
    .argument("<file>", "the .tar.zst, its .parts.json, or its first part")
    .argument("<directory>", "output directory; an existing bundle there is replaced")
    .requiredOption("--allowed-signers <path>", "keys that may sign: ssh-keygen(1), ALLOWED SIGNERS")
    .option("--base <directory>", "earlier bundle that contains what the delta omits")
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
    printOverridden(flags, bundle);
    const rows = [
      ["bundle", directory],
      ["serial", String(bundle.serial)],
      ["signed by", bundle.signers.join(", ") || "nobody"],
      ["blobs", `${bundle.blobs}, ${size(bundle.bytes)} unpacked, all as signed`],
    ];
    print(columns(rows));
  });
}

interface UnpackFlags extends PolicyFlags {
  readonly base?: string;
}

const examples = `
After an interruption, run the command again.

Examples:
  $ sealift bundle unpack /mnt/usb/bundle.tar.zst.parts.json /srv/bundle --allowed-signers allowed_signers
  $ sealift bundle unpack /mnt/usb/delta.tar.zst /srv/bundle-8 --base /srv/bundle-7 --allowed-signers allowed_signers`;

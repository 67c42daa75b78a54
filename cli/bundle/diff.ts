import { Command } from "commander";
import { readContents } from "../../offline-bundle/oci/contents.ts";
import {
  type Detail,
  type BundleDifference,
  diffContents,
  isSame,
  type ItemDifference,
} from "../../offline-bundle/diff.ts";
import { columns, count, size } from "../output/columns.ts";
import { printJson } from "../output/or-json.ts";
import { print } from "../output/print.ts";

export function bundleDiffCommand(): Command {
  return new Command("diff")
    .description("Compare two bundles or lock files; differences do not change the exit code")
    .argument("<a>", "a bundle or a lock file")
    .argument("<b>", "the other bundle or lock file, usually the newer one")
    .option("--json", "print as JSON")
    .addHelpText("after", examples)
    .action(async (a: string, b: string, flags: { json?: true }) => {
      const work = async (): Promise<BundleDifference> =>
        diffContents(await readContents(a), await readContents(b));
      if (flags.json === true) {
        await printJson(async () => {
          const difference = await work();
          return { same: isSame(difference), ...difference };
        });
      } else print(text(await work(), a, b));
    });
}

function text(difference: BundleDifference, a: string, b: string): string {
  const { serial, items, carry } = difference;
  if (isSame(difference)) return `no difference: ${a} and ${b} have the same content, serial ${serial.from}`;
  const rows = items.flatMap((item) => [[item.change, item.item, summary(item)]]);
  return [
    columns([["serial", `${serial.from} -> ${serial.to}`, ""], ...rows]),
    carry === undefined
      ? "to transfer: unknown for a lock file; compare two bundles"
      : `to transfer: ${count(carry.blobs, "blob")}, ${size(carry.bytes)}, if the other side has ${a}`,
  ].join("\n");
}

function summary({ details, members }: ItemDifference): string {
  const inner = Object.entries(members ?? {}).flatMap(([what, paths]) =>
    paths.length === 0 ? [] : [`${what} inside: ${paths.join(", ")}`],
  );
  return [...details.map(words), ...inner].join("; ");
}

function words({ what, from, to }: Detail): string {
  const show = (value: string | number | undefined): string => {
    if (value === undefined) return "nothing";
    if (typeof value === "number") return size(value);
    return what === "sha256" || what === "digest" ? value.replace("sha256:", "") : value;
  };
  const title = what === "bytes" ? "size" : what;
  if (from === undefined) return `${title} ${show(to)}`;
  if (to === undefined) return `${title} ${show(from)}`;
  return `${title} ${show(from)} -> ${show(to)}`;
}

const examples = `
Examples:
  $ sealift bundle diff /mnt/usb/bundle-7 /mnt/usb/bundle-8
  $ git show HEAD~1:offline-bundle/bundle.lock.yaml > before.yaml && sealift bundle diff before.yaml offline-bundle/bundle.lock.yaml`;

import { Command, Option } from "commander";
import { readContents } from "../../offline-bundle/contents.ts";
import { cycloneDx } from "../../offline-bundle/cyclonedx.ts";
import { epochOf } from "../../offline-bundle/sbom.ts";
import { spdx } from "../../offline-bundle/spdx.ts";
import { printOrWrite } from "../output-file.ts";

interface Flags {
  readonly format: "cyclonedx" | "spdx";
  readonly output?: string;
}

export function sbomCommand(): Command {
  return new Command("sbom")
    .description(
      "lists every part of a bundle or lock for auditors and scanners; the same lock gives the same bytes",
    )
    .argument("<place>", "a bundle, or a lock file")
    .addOption(
      new Option("--format <format>", "CycloneDX 1.6 or SPDX 2.3, both JSON")
        .choices(["cyclonedx", "spdx"])
        .default("cyclonedx"),
    )
    .option("-o, --output <file>", "where to write it (default: stdout)")
    .addHelpText("after", examples)
    .action(async (place: string, { format, output }: Flags) => {
      const contents = await readContents(place);
      const epoch = epochOf(process.env["SOURCE_DATE_EPOCH"]);
      const bom = format === "cyclonedx" ? cycloneDx(contents, epoch) : spdx(contents, epoch);
      await printOrWrite(JSON.stringify(bom, undefined, 2), output);
    });
}

const examples = `
It dates from SOURCE_DATE_EPOCH (seconds since 1970, UTC); without it CycloneDX has no date and SPDX, which must have one,
has 1970-01-01.

Examples:
  $ sealift bundle sbom /mnt/usb/bundle -o bundle.cdx.json
  $ sealift bundle sbom offline-bundle/bundle.lock.yaml --format spdx -o bundle.spdx.json`;

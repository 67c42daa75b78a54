import { Command, Option } from "commander";
import { readContents } from "../../offline-bundle/oci/contents.ts";
import { cycloneDx } from "../../offline-bundle/sbom/cyclonedx.ts";
import { epochOf } from "../../offline-bundle/sbom/sbom.ts";
import { spdx } from "../../offline-bundle/sbom/spdx.ts";
import { printOrWrite } from "../output/output-file.ts";

interface Flags {
  readonly format: "cyclonedx" | "spdx";
  readonly output?: string;
}

export function bundleSbomCommand(): Command {
  return new Command("sbom")
    .description("Write a reproducible SBOM of a bundle or lock file")
    .argument("<place>", "a bundle or a lock file")
    .addOption(
      new Option("--format <format>", "CycloneDX 1.6 or SPDX 2.3, as JSON")
        .choices(["cyclonedx", "spdx"])
        .default("cyclonedx"),
    )
    .option("-o, --output <file>", "output file (default: stdout)")
    .addHelpText("after", examples)
    .action(async (place: string, { format, output }: Flags) => {
      const contents = await readContents(place);
      const epoch = epochOf(process.env["SOURCE_DATE_EPOCH"]);
      const bom = format === "cyclonedx" ? cycloneDx(contents, epoch) : spdx(contents, epoch);
      await printOrWrite(JSON.stringify(bom, undefined, 2), output);
    });
}

const examples = `
The date is SOURCE_DATE_EPOCH (seconds since 1970, UTC). If it is not set, CycloneDX has no date and SPDX, which requires one,
has 1970-01-01.

Examples:
  $ sealift bundle sbom /mnt/usb/bundle -o bundle.cdx.json
  $ sealift bundle sbom offline-bundle/bundle.lock.yaml --format spdx -o bundle.spdx.json`;

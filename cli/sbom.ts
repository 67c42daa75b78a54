import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { digestOfBytes } from "../offline-bundle/digest.ts";
import { epochOf } from "../offline-bundle/sbom.ts";
import { type PackageLock, toolkitSbom } from "../offline-bundle/toolkit-sbom.ts";
import { printOrWrite } from "./output-file.ts";

const lockFile = fileURLToPath(new URL("../package-lock.json", import.meta.url));

export function sbomCommand(): Command {
  return new Command("sbom")
    .description(
      "List every package of Sealift itself as CycloneDX 1.6; the same checkout gives the same bytes",
    )
    .option("-o, --output <file>", "where to write it (default: stdout)")
    .addHelpText("after", examples)
    .action(async ({ output }: { output?: string }) => {
      const lock = await readFile(lockFile);
      const bom = toolkitSbom(
        JSON.parse(lock.toString()) as PackageLock,
        digestOfBytes(lock).sha256,
        epochOf(process.env["SOURCE_DATE_EPOCH"]),
      );
      await printOrWrite(JSON.stringify(bom, undefined, 2), output);
    });
}

const examples = `
It holds what npm ci --omit=dev installs, with licence, SHA-512 and who needs it, and no date unless SOURCE_DATE_EPOCH gives one.
What a bundle carries: sealift bundle sbom.

Examples:
  $ sealift sbom -o sealift.cdx.json`;

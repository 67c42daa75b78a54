import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { digestOfBytes } from "../offline-bundle/io/digest.ts";
import { epochOf } from "../offline-bundle/sbom/sbom.ts";
import { type PackageLock, toolkitSbom } from "../offline-bundle/sbom/toolkit-sbom.ts";
import { printOrWrite } from "./output/output-file.ts";

const lockFile = fileURLToPath(new URL("../package-lock.json", import.meta.url));

export function sbomCommand(): Command {
  return new Command("sbom")
    .description("Write a reproducible SBOM of Sealift itself (CycloneDX 1.6)")
    .option("-o, --output <file>", "output file (default: stdout)")
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
The SBOM lists the packages that npm ci --omit=dev installs, with licence, SHA-512 and dependencies. It has a date only if SOURCE_DATE_EPOCH is set.
For the content of a bundle, use sealift bundle sbom.

Examples:
  $ sealift sbom -o sealift.cdx.json`;

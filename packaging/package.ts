/** `npm run package -- [folder]`: Sealift and its policy pack as npm packages, with SBOM and checksums. The same commit gives the same bytes. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { digestOfBytes } from "../offline-bundle/io/digest.ts";
import { toolkitSbom, type PackageLock } from "../offline-bundle/sbom/toolkit-sbom.ts";
import { checkout, packageFiles, policyFiles } from "./package-files.ts";
import { packageManifest, policyManifest } from "./manifest.ts";
import { packageTarball } from "./tarball.ts";

const folder = resolve(process.argv[2] ?? join(checkout, ".cache", "package"));
const name = `sealift-${packageManifest().version}`;
const lock = readFileSync(join(checkout, "package-lock.json"));
const sbom = toolkitSbom(JSON.parse(lock.toString()) as PackageLock, digestOfBytes(lock).sha256, undefined);
const written: readonly (readonly [file: string, bytes: Buffer])[] = [
  [`${name}.tgz`, await packageTarball(packageFiles())],
  [`${policyManifest().name}-${policyManifest().version}.tgz`, await packageTarball(policyFiles())],
  [`${name}.cdx.json`, Buffer.from(`${JSON.stringify(sbom, undefined, 2)}\n`)],
];
mkdirSync(folder, { recursive: true });
for (const [file, bytes] of written) writeFileSync(join(folder, file), bytes);
const sums = written.map(([file, bytes]) => `${digestOfBytes(bytes).sha256}  ${file}\n`).join("");
writeFileSync(join(folder, "SHA256SUMS"), sums);
process.stdout.write(sums);

/** The options of every command that packs a bundle. */
import { type Command, InvalidArgumentError } from "commander";
import { parseMiB } from "../../modules/core/site/units.ts";
import type { PackedArchive, PackOptions } from "../../offline-bundle/pack.ts";
import { zstdLevels } from "../../offline-bundle/archive/zstd.ts";
import { size } from "../output/columns.ts";

export interface PackFlags {
  readonly split?: number;
  readonly excludeInventory?: string;
  readonly compressionLevel?: number;
}

export function withPackOptions(command: Command): Command {
  const { lowest, highest, usual } = zstdLevels;
  return command
    .option(
      "--split <size>",
      "split the archive into parts of this size: 4GiB, 700MiB (maximum for FAT32: 4095MiB)",
      bytes,
    )
    .option(
      "--exclude-inventory <path>",
      "inventory of the air-gapped side; the digests that it lists are omitted",
    )
    .option("--compression-level <number>", `zstd level, ${lowest} to ${highest} (default: ${usual})`, level);
}

export function packOptions(
  file: string,
  { split, excludeInventory, compressionLevel: requested }: PackFlags,
): PackOptions {
  return {
    file,
    ...(split === undefined ? {} : { splitBytes: split }),
    ...(excludeInventory === undefined ? {} : { have: excludeInventory }),
    ...(requested === undefined ? {} : { level: requested }),
  };
}

/** One line for each file, and one for the total. */
export function packedText({ files, bytes, blobs, left, leftBytes }: PackedArchive): string {
  const without = left === 0 ? "" : `, without ${left} (${size(leftBytes)}) that the air-gapped side has`;
  return [...files, `${size(bytes)}: ${blobs} blobs${without}`].join("\n");
}

function bytes(text: string): number {
  try {
    return parseMiB(text) * 1024 * 1024;
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : "");
  }
}

function level(text: string): number {
  const number = Number(text);
  const { lowest, highest } = zstdLevels;
  if (Number.isInteger(number) && number >= lowest && number <= highest) return number;
  throw new InvalidArgumentError(`a whole number from ${lowest} to ${highest}`);
}

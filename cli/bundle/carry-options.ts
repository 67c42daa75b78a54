/** The options of every command that packs a bundle to be carried. */
import { type Command, InvalidArgumentError } from "commander";
import { parseMiB } from "../../modules/core/units.ts";
import type { Carried, CarryOptions } from "../../offline-bundle/carry.ts";
import { zstdLevels } from "../../offline-bundle/zstd.ts";
import { size } from "../columns.ts";

export interface CarryFlags {
  readonly split?: number;
  readonly have?: string;
  readonly level?: number;
}

export function withCarryOptions(command: Command): Command {
  const { lowest, highest, usual } = zstdLevels;
  return command
    .option("--split <size>", "cut it into parts of this size: 4GiB, 700MiB (FAT32 takes 4095MiB)", bytes)
    .option("--have <path>", "inventory of the far side: what it lists stays out")
    .option("--level <number>", `zstd level, ${lowest} to ${highest} (default: ${usual})`, level);
}

export function carryOptions(file: string, { split, have, level: wanted }: CarryFlags): CarryOptions {
  return {
    file,
    ...(split === undefined ? {} : { splitBytes: split }),
    ...(have === undefined ? {} : { have }),
    ...(wanted === undefined ? {} : { level: wanted }),
  };
}

/** One line a file, and one for what it is. */
export function carriedText({ files, bytes, blobs, left, leftBytes }: Carried): string {
  const without = left === 0 ? "" : `, without ${left} (${size(leftBytes)}) that the far side has`;
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

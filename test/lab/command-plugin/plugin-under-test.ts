/**
 * The plugin that the conformance suite runs against: the stand-in, or the official binary that
 * SEALIFT_COMMAND_PLUGIN names.
 */
import { join } from "node:path";

const binary = process.env["SEALIFT_COMMAND_PLUGIN"] ?? "";

export const official = binary !== "";

/** Executable and leading arguments. */
export const pluginCommand: readonly string[] = official
  ? [binary]
  : [process.execPath, join(import.meta.dirname, "main.ts")];

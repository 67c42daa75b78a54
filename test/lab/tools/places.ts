import { cachePath } from "../cache.ts";

/** The folder that goes first into PATH: every tool of the lab by its plain name. */
export const binDir = cachePath("tools", "bin");

/** PULUMI_HOME of the lab: its own plugins, credentials and workspaces, apart from a person's `~/.pulumi`. */
export const pulumiHome = cachePath("pulumi-home");

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { join } from "node:path";
import { cachePath, checkout } from "../cache.ts";
import { binDir, pulumiHome } from "../tools/places.ts";

/** Where Pulumi keeps the lab's stacks: its own file backend, apart from a person's. */
export const stateDir = cachePath("pulumi-state");

/**
 * The environment in which plain `pulumi preview`, `up` and `destroy` work on the lab's stacks in the checkout: the lab's
 * tools and Node first in PATH, its own home, state and passphrase, nothing fetched and nobody asked. Makes the state folder
 * and, once, a random passphrase (mode 0600). Source: Pulumi CLI 3.259.0, environment variables.
 */
export function pulumiEnv(): Record<string, string> {
  mkdirSync(stateDir, { recursive: true });
  return {
    PATH: [binDir, join(checkout, "node_modules", ".bin"), process.env["PATH"] ?? ""].join(":"),
    PULUMI_HOME: pulumiHome,
    PULUMI_BACKEND_URL: pathToFileURL(stateDir).href,
    PULUMI_CONFIG_PASSPHRASE_FILE: passphraseFile(),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_REGISTRY_RESOLVE: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
    PULUMI_IGNORE_AMBIENT_PLUGINS: "true",
  };
}

/** A passphrase in the environment would take precedence over the file, so users of this environment must leave it out. */
export const mustBeUnset = ["PULUMI_CONFIG_PASSPHRASE"] as const;

function passphraseFile(): string {
  const file = cachePath("lab", "keys", "passphrase");
  mkdirSync(cachePath("lab", "keys"), { recursive: true, mode: 0o700 });
  if (!existsSync(file))
    writeFileSync(file, `${randomBytes(24).toString("base64url")}\n`, { mode: 0o600, flag: "wx" });
  return file;
}

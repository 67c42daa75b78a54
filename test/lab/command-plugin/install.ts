/** Puts the stand-in where a Pulumi CLI looks for the command provider. */
import { chmod, copyFile, mkdir, rm, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";

/**
 * Installs the stand-in as `command` 1.2.1 into a PULUMI_HOME, in place of whatever is there under that version.
 * It runs from the checkout: the installed files are a launcher and two links.
 * Source of the folder's name: Pulumi CLI 3.259.0, sdk/go/common/workspace/plugins.go.
 * @param pulumiHome folder that the CLI gets as PULUMI_HOME
 * @param node executable of a Node that runs TypeScript as it is (24)
 */
export async function installStandIn(pulumiHome: string, node: string): Promise<void> {
  const folder = join(pulumiHome, "plugins", "resource-command-v1.2.1");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await symlink(resolve(node), join(folder, "node"));
  await symlink(join(import.meta.dirname, "main.ts"), join(folder, "main.ts"));
  const launcher = join(folder, "pulumi-resource-command");
  await copyFile(join(import.meta.dirname, "launcher.sh"), launcher);
  await chmod(launcher, 0o755);
}

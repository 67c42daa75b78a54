/** `sealift bundle …`: one command per verb of offline-bundle/. */
import { Command } from "commander";
import { acceptCommand } from "./bundle/accept.ts";
import { buildCommand } from "./bundle/build.ts";
import { bundleDiffCommand } from "./bundle/diff.ts";
import { fetchCommand } from "./bundle/fetch.ts";
import { inspectCommand } from "./bundle/inspect.ts";
import { inventoryCommand } from "./bundle/inventory.ts";
import { lockCommand } from "./bundle/lock.ts";
import { npmCiCommand } from "./bundle/npm-ci.ts";
import { packCommand } from "./bundle/pack.ts";
import { pushCommand } from "./bundle/push.ts";
import { rebuildCommand } from "./bundle/rebuild.ts";
import { runbookCommand } from "./bundle/export-runbook.ts";
import { bundleSbomCommand } from "./bundle/sbom.ts";
import { signCommand } from "./bundle/sign.ts";
import { unpackCommand } from "./bundle/unpack.ts";
import { verifyCommand } from "./bundle/verify.ts";

export function bundleCommand(): Command {
  return new Command("bundle")
    .description("Lock, build, sign, pack, verify and push bundles")
    .addCommand(lockCommand())
    .addCommand(fetchCommand())
    .addCommand(buildCommand())
    .addCommand(rebuildCommand())
    .addCommand(signCommand())
    .addCommand(packCommand())
    .addCommand(verifyCommand())
    .addCommand(unpackCommand())
    .addCommand(acceptCommand())
    .addCommand(npmCiCommand())
    .addCommand(inspectCommand())
    .addCommand(bundleDiffCommand())
    .addCommand(bundleSbomCommand())
    .addCommand(inventoryCommand())
    .addCommand(pushCommand())
    .addCommand(runbookCommand());
}

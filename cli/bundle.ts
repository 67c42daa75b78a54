/** `sealift bundle …`: one command per verb of offline-bundle/. */
import { Command } from "commander";
import { buildCommand } from "./bundle/build.ts";
import { inventoryCommand } from "./bundle/inventory.ts";
import { lockCommand } from "./bundle/lock.ts";
import { packCommand } from "./bundle/pack.ts";
import { pushCommand } from "./bundle/push.ts";
import { runbookCommand } from "./bundle/export-runbook.ts";
import { unpackCommand } from "./bundle/unpack.ts";
import { verifyCommand } from "./bundle/verify.ts";

export function bundleCommand(): Command {
  return new Command("bundle")
    .description("pins, builds, carries and checks the bundle that brings every byte into the site")
    .addCommand(lockCommand())
    .addCommand(buildCommand())
    .addCommand(packCommand())
    .addCommand(unpackCommand())
    .addCommand(verifyCommand())
    .addCommand(inventoryCommand())
    .addCommand(pushCommand())
    .addCommand(runbookCommand());
}

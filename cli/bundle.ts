/** `sealift bundle …`: one command per verb of offline-bundle/. */
import { Command } from "commander";
import { buildCommand } from "./bundle/build.ts";
import { fetchCommand } from "./bundle/fetch.ts";
import { lockCommand } from "./bundle/lock.ts";
import { verifyCommand } from "./bundle/verify.ts";

export function bundleCommand(): Command {
  return new Command("bundle")
    .description("pins, builds and checks the bundle that carries every byte into the site")
    .addCommand(lockCommand())
    .addCommand(fetchCommand())
    .addCommand(buildCommand())
    .addCommand(verifyCommand());
}

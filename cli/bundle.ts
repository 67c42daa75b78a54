/** `sealift bundle …`: one command per verb of offline-bundle/. */
import { Command } from "commander";
import { acceptCommand } from "./bundle/accept.ts";
import { buildCommand } from "./bundle/build.ts";
import { diffCommand } from "./bundle/diff.ts";
import { inspectCommand } from "./bundle/inspect.ts";
import { fetchCommand } from "./bundle/fetch.ts";
import { lockCommand } from "./bundle/lock.ts";
import { sbomCommand } from "./bundle/sbom.ts";
import { signCommand } from "./bundle/sign.ts";
import { verifyCommand } from "./bundle/verify.ts";

export function bundleCommand(): Command {
  return new Command("bundle")
    .description("pins, builds and checks the bundle that carries every byte into the site")
    .addCommand(lockCommand())
    .addCommand(fetchCommand())
    .addCommand(buildCommand())
    .addCommand(signCommand())
    .addCommand(verifyCommand())
    .addCommand(acceptCommand())
    .addCommand(inspectCommand())
    .addCommand(diffCommand())
    .addCommand(sbomCommand());
}

/** `sealift secret …`: the encrypted files of a site's secrets. Connects to no host. */
import { Command } from "commander";
import { secretEditCommand } from "./secret/edit.ts";
import { secretListCommand } from "./secret/list.ts";
import { secretRekeyCommand } from "./secret/rekey.ts";

export function secretCommand(): Command {
  return new Command("secret")
    .description("Create, change and list the secrets of applications, which age encrypts for their hosts")
    .addCommand(secretEditCommand())
    .addCommand(secretListCommand())
    .addCommand(secretRekeyCommand());
}

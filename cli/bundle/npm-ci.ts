import { Command } from "commander";
import { npmCi } from "../../offline-bundle/npm-ci.ts";
import { verifyBundle } from "../../offline-bundle/verify.ts";
import { progressLine } from "../output/progress.ts";
import { addPolicyFlags, type PolicyFlags, printOverridden, verifyOptions } from "./policy-flags.ts";
import { print } from "../output/print.ts";

export function npmCiCommand(): Command {
  const command = new Command("npm-ci")
    .description("Verify a bundle and install the npm packages of this repository from it; needs no network")
    .argument("<directory>", "the bundle")
    .requiredOption("--allowed-signers <path>", "keys that may sign: ssh-keygen(1), ALLOWED SIGNERS");
  return addPolicyFlags(command)
    .addHelpText("after", examples)
    .action(async (directory: string, flags: PolicyFlags) => {
      const progress = progressLine();
      const bundle = await verifyBundle(directory, verifyOptions(flags, progress)).finally(progress.end);
      printOverridden(flags, bundle);
      const { packages } = await npmCi(bundle, ".");
      print(`node_modules: ${packages} packages, each as package-lock.json pins it`);
    });
}

const examples = `
Runs npm ci in the working directory, against a registry on 127.0.0.1 that serves the packages of the bundle. npm compares each of
them with package-lock.json. Install scripts do not run.

On a machine without Sealift, the package itself does the same: see "On the air-gapped side" in docs/guide/own-repository.md.

Example:
  $ npx sealift bundle npm-ci /srv/bundle --allowed-signers stacks/allowed_signers`;

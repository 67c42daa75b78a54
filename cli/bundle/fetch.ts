import { Command } from "commander";
import { formatProblem } from "../../modules/core/errors.ts";
import { fetchBundle } from "../../offline-bundle/fetch.ts";
import { size } from "../columns.ts";
import { progressLine } from "../progress.ts";
import { bundleFile, lockFile, store } from "./places.ts";
import { print, printError } from "../print.ts";

export function fetchCommand(): Command {
  return new Command("fetch")
    .description("brings every byte that the lock pins into the store; a later build needs no network")
    .option("--file <path>", "what the team wants, and mirrors", bundleFile)
    .option("--lock <path>", "the pins", lockFile)
    .addHelpText("after", notes)
    .action(async (options: { file: string; lock: string }) => {
      const progress = progressLine();
      const { files, images, bytes } = await fetchBundle({
        bundleFile: options.file,
        lockFile: options.lock,
        store,
        onTransfer: ({ name, done, total }) => {
          progress.transfer(name, done, total);
        },
        warn: (problem) => {
          printError(`warning: ${formatProblem(problem)}`);
        },
      }).finally(progress.end);
      print(`${store}: ${files} files (${size(bytes)}) and ${images} images, all as pinned`);
    });
}

const notes = `
Continues what an earlier run left. HTTPS_PROXY, HTTP_PROXY and NO_PROXY count; logins come from the docker config file;
further certificates from NODE_EXTRA_CA_CERTS (files) and SSL_CERT_FILE (images and artifacts, by oras).

Example:
  $ HTTPS_PROXY=http://proxy.example.com:3128 sealift bundle fetch`;

import { Command } from "commander";
import { formatProblem } from "../../modules/core/errors.ts";
import { fetchBundle } from "../../offline-bundle/fetch.ts";
import { size } from "../output/columns.ts";
import { progressLine } from "../output/progress.ts";
import { bundleFile, lockFile, store } from "./places.ts";
import { print, printError } from "../output/print.ts";

export function fetchCommand(): Command {
  return new Command("fetch")
    .description("Download everything that the lock pins into the cache; a later build needs no network")
    .option("--file <path>", "bundle specification, with its mirrors", bundleFile)
    .option("--lock <path>", "lock file", lockFile)
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
An interrupted download is resumed. fetch uses HTTPS_PROXY, HTTP_PROXY and NO_PROXY, credentials from the Docker configuration file, and
additional CA certificates from NODE_EXTRA_CA_CERTS (files) and SSL_CERT_FILE (images and artifacts, which oras downloads).

Example:
  $ HTTPS_PROXY=http://proxy.example.com:3128 sealift bundle fetch`;

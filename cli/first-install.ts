/**
 * `node <package>/cli/first-install.js <bundle> <allowed signers>`: what `sealift bundle npm-ci` does, on a machine that has no npm package
 * yet. It imports none.
 */
import { parseArgs } from "node:util";
import { formatProblem, SealiftError } from "../modules/core/errors.ts";
import { npmCi } from "../offline-bundle/npm-ci.ts";
import { verifyManifests } from "../offline-bundle/verify.ts";
import { print, printError } from "./output/print.ts";
import { problemExitCode } from "./output/problem-exit-code.ts";

const usage = "usage: node first-install.js [--min-signatures <number>] <bundle> <allowed signers>";

const given = read(process.argv.slice(2));
if (given === undefined) {
  printError(usage);
  process.exitCode = 2;
} else {
  try {
    const { packages } = await npmCi(await verifyManifests(given.directory, given), ".");
    print(`node_modules: ${packages} packages, each as package-lock.json pins it`);
  } catch (error) {
    if (!(error instanceof SealiftError)) throw error;
    printError(error.problems.map(formatProblem).join("\n"));
    process.exitCode = problemExitCode(error.problems);
  }
}

function read(
  args: string[],
):
  | { readonly directory: string; readonly allowedSigners: string; readonly minSignatures: number }
  | undefined {
  try {
    const options = { "min-signatures": { type: "string", default: "1" } } as const;
    const { positionals, values } = parseArgs({ args, allowPositionals: true, options });
    const [directory, allowedSigners, ...others] = positionals;
    const minSignatures = Number(values["min-signatures"]);
    if (directory === undefined || allowedSigners === undefined || others.length > 0) return undefined;
    return /^[1-9]$/.test(values["min-signatures"])
      ? { directory, allowedSigners, minSignatures }
      : undefined;
  } catch {
    return undefined;
  }
}

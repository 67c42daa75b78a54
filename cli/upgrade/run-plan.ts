/** Runs `sealift plan --json` of a package: each version plans with its own code. */
import { join } from "node:path";
import { SealiftError } from "../../modules/core/errors.ts";
import { runProgram } from "../../modules/core/process.ts";
import { readToolkitPlan, type ToolkitPlan } from "../../modules/rollout/toolkit-plan.ts";
import type { OpenToolkit } from "./open-toolkit.ts";

/** 10 minutes: a thousand hosts take one. */
const limitMs = 600_000;

/**
 * @param environments names; none: all except the examples.
 * @throws {SealiftError} E_TOOLKIT_VERSION when this version has no such command or its output is not of format 1.
 */
export async function runPlan(
  { named, folder, manifest }: OpenToolkit,
  environments: readonly string[],
): Promise<ToolkitPlan> {
  // Each version keeps its compile cache in its own folder: that of a tarball is removed with it.
  const env = { ...process.env, NODE_COMPILE_CACHE: undefined };
  const args = [join(folder, "cli", "sealift.js"), "plan", "--json", "--", ...environments];
  const node = process.execPath;
  const { stdout, stderr, exitCode } = await runProgram(node, args, { env, timeoutMs: limitMs });
  const plan = readToolkitPlan(stdout.toString());
  if (plan?.toolkit.version === manifest.version) return plan;
  const [first = ""] = stderr.split("\n");
  throw new SealiftError([
    {
      where: named,
      code: "E_TOOLKIT_VERSION",
      subject: `sealift ${manifest.version}`,
      found: /unknown command/.test(stderr)
        ? "a version without sealift plan --json"
        : `sealift plan --json ended with exit code ${exitCode}: ${first || "no such output"}`,
      expected: "the output of sealift plan --json, format 1",
      fix: "read the CHANGELOG of both versions; install the other version in a copy of the repository and run sealift check and pulumi preview there",
    },
  ]);
}

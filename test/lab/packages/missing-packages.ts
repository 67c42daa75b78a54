import { existsSync } from "node:fs";
import { runProcess } from "../../support/process/run-process.ts";
import { distribution } from "./distribution.ts";
import { findProgram } from "./find-program.ts";
import type { NeededPackage } from "./needed-packages.ts";

/** A package that is not there, or too old. */
export interface MissingPackage {
  readonly package: string;
  readonly why: string;
  /** "not installed", "7.2, needs 10". */
  readonly reason: string;
  /** The suite it has to come from, when the machine's own has only an older one. */
  readonly suite?: "bookworm-backports";
}

/** Which of these packages the machine lacks. Reads only. */
export async function missingPackages(
  packages: readonly NeededPackage[],
): Promise<readonly MissingPackage[]> {
  const found = await Promise.all(packages.map(lack));
  return found.flatMap((each) => each ?? []);
}

async function lack({
  package: name,
  why,
  has,
  atLeast,
}: NeededPackage): Promise<MissingPackage | undefined> {
  const place = has.startsWith("/") ? existsSync(has) && has : findProgram(has);
  // Debian 12's own is older; other distributions offer one version only, and refusing it would leave nothing.
  const backports = atLeast !== undefined && distribution().codename === "bookworm";
  const suite = backports ? ({ suite: "bookworm-backports" } as const) : {};
  if (place === undefined || place === false)
    return { package: name, why, reason: "not installed", ...suite };
  if (!backports) return undefined;
  const version = await majorVersion(place);
  if (version >= atLeast) return undefined;
  return { package: name, why, reason: `version ${version} is installed, ${atLeast} is needed`, ...suite };
}

async function majorVersion(program: string): Promise<number> {
  const { stdout } = await runProcess(program, ["--version"]);
  return Number(/version (\d+)/.exec(stdout)?.[1] ?? 0);
}

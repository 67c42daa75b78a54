/** What the machine itself has to have, from its distribution's packages. */
import { createInterface } from "node:readline/promises";
import { SealiftError } from "../../../modules/core/errors.ts";
import { type Report, runStages } from "../../support/process/stages.ts";
import { table } from "../../support/process/table.ts";
import { aptFailed, privateApt, runApt } from "./apt.ts";
import { debianSources, machineHasSuite } from "./debian-sources.ts";
import { type MissingPackage, missingPackages } from "./missing-packages.ts";
import { distribution } from "./distribution.ts";
import { findProgram } from "./find-program.ts";
import { type Need, needed } from "./needed-packages.ts";

export { type Deb, downloadDebs } from "./debs.ts";
export { type DebianSources, debianSources } from "./debian-sources.ts";
export type { Need } from "./needed-packages.ts";

/**
 * Sees to it that the packages for these needs are installed (none given: for all of them). Says nothing when nothing is
 * missing; otherwise lists what is, asks once on a terminal, and installs. Not to be called within a stage: it may ask.
 *
 * @throws {E_PACKAGES} when they may not or cannot be installed; the message names what to install.
 * @throws {E_DEBIAN_SOURCES} when a backport is needed and no Debian archive is known.
 */
export async function ensurePackages(...needs: readonly Need[]): Promise<void> {
  const missing = await missingPackages(needed(needs));
  if (missing.length === 0) return;
  console.log(`The lab needs these packages of ${distribution().title}:`);
  console.log(table(missing.map((lack) => [`  ${lack.package}`, lack.why, lack.reason])));
  refuseWithoutMeans(missing);
  if (!(await agreed())) throw mustInstall(missing, "they were not to be installed");
  await runStages([{ title: "packages are installed", run: (report) => install(missing, report) }]);
  const still = await missingPackages(needed(needs));
  if (still.length > 0) throw mustInstall(still, "still not there after the installation");
}

/** What only a backport offers comes in a run of its own, so that nothing else is taken from there. */
async function install(missing: readonly MissingPackage[], report: Report): Promise<string> {
  const suites = [...new Set(missing.map((lack) => lack.suite))];
  const foreign = suites.flatMap((suite) => suite ?? []);
  const lines = await Promise.all(foreign.map(missingLines));
  const apt = privateApt("machine", lines.flat(), true);
  // Somebody's broken third-party source is no reason to stop; a package that is not found is.
  await runApt(apt, ["update"], report);
  for (const suite of suites) {
    const names = missing.filter((lack) => lack.suite === suite).map((lack) => lack.package);
    const target = suite === undefined ? [] : ["-t", suite];
    const args = ["install", "-y", "--no-remove", "--no-install-recommends", ...target, ...names];
    const result = await runApt(apt, args, report, { root: true });
    if (result.exitCode !== 0) throw aptFailed(names.join(" "), apt, result, "E_PACKAGES");
  }
  return missing.map((lack) => lack.package).join(" ");
}

async function missingLines(suite: string): Promise<readonly string[]> {
  return (await machineHasSuite(suite)) ? [] : (await debianSources(suite)).lines;
}

/** One line each for a machine without apt and for a user who may not install. */
function refuseWithoutMeans(missing: readonly MissingPackage[]): void {
  if (findProgram("apt-get") === undefined) throw mustInstall(missing, "no apt-get here");
  if (process.getuid?.() === 0) return;
  if (findProgram("sudo") === undefined) throw mustInstall(missing, "neither root nor sudo");
}

/** Asks on a terminal; a machine that runs this without one (CI) has agreed by running it. */
async function agreed(): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY || process.env["CI"]) return true;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question("Install these? [y/N] ")).trim());
  } finally {
    terminal.close();
  }
}

function mustInstall(missing: readonly MissingPackage[], found: string): SealiftError {
  const names = missing.map((lack) => lack.package).join(" ");
  return new SealiftError([
    {
      where: "this machine",
      code: "E_PACKAGES",
      subject: names,
      found,
      expected: missing.map((lack) => `${lack.package}: ${lack.why}`).join(", "),
      fix: `install ${names} (as root or with sudo) and start again`,
    },
  ]);
}

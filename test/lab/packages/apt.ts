/** apt with its own sources, lists and cache, all in the cache folder: nothing of the machine's apt is changed. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ErrorCode, SealiftError } from "../../../modules/core/errors.ts";
import { type ProcessResult, runProcess } from "../../support/process/run-process.ts";
import type { Report } from "../../support/process/stages.ts";
import { cachePath } from "../cache.ts";

export interface PrivateApt {
  /** `-o` options that every apt command gets. */
  readonly options: readonly string[];
  readonly log: string;
  readonly lists: string;
}

/**
 * Sets up a private apt named `name`.
 *
 * @param lines - entries in the form of sources.list(5).
 * @param machine - true: the machine's sources and installed packages count too; false: these lines alone, as if nothing
 *   were installed.
 */
export function privateApt(name: string, lines: readonly string[], machine: boolean): PrivateApt {
  const folder = cachePath("apt", name);
  const at = (...parts: string[]): string => join(folder, ...parts);
  for (const made of ["lists/partial", "archives/partial", "parts"]) mkdirSync(at(made), { recursive: true });
  const own = "/etc/apt/sources.list";
  if (machine && existsSync(own)) copyFileSync(own, at("sources.list"));
  else writeFileSync(at("sources.list"), "");
  writeFileSync(at("sources.list"), `${readFileSync(at("sources.list"), "utf8")}\n${lines.join("\n")}\n`);
  writeFileSync(at("status"), "");
  const alone = [`Dir::State::status=${at("status")}`, `Dir::Etc::sourceparts=${at("parts")}`];
  const settings = [
    `Dir::Etc::sourcelist=${at("sources.list")}`,
    `Dir::State::lists=${at("lists")}`,
    `Dir::Cache::archives=${at("archives")}`,
    "Dir::Cache::pkgcache=",
    "Dir::Cache::srcpkgcache=",
    // The machine's pins are for its own suites.
    ...(machine ? [] : [...alone, `Dir::Etc::preferencesparts=${at("parts")}`]),
    // As root, apt would fetch as user _apt, which cannot enter a checkout below /root.
    "APT::Sandbox::User=root",
    "APT::Status-Fd=1",
    "Acquire::Languages=none",
    "Acquire::Retries=3",
  ];
  return {
    options: settings.flatMap((setting) => ["-o", setting]),
    log: cachePath("log", `apt-${name}.log`),
    lists: at("lists"),
  };
}

/** Lists older than this are fetched again before a package is looked up. */
const listsKeepMs = 24 * 60 * 60 * 1000;

/**
 * Fetches the package lists when there are none or they are older than a day.
 *
 * @throws {E_PACKAGES} when they cannot be had.
 */
export async function updateLists(apt: PrivateApt, report: Report, force = false): Promise<void> {
  const stamp = `${apt.lists}/.fetched`;
  if (!force && existsSync(stamp) && Date.now() - statSync(stamp).mtimeMs < listsKeepMs) return;
  const result = await runApt(apt, ["update", "--error-on=any"], report);
  if (result.exitCode !== 0) throw aptFailed("package lists", apt, result, "E_PACKAGES");
  writeFileSync(stamp, "");
}

/**
 * Runs `apt-get`; its progress goes to `report` (status lines of apt's APT::Status-Fd), its own words to the log.
 *
 * @param root - through `sudo -n` when this process is not root.
 */
export function runApt(
  apt: PrivateApt,
  args: readonly string[],
  report: Report,
  { root = false, cwd }: { readonly root?: boolean; readonly cwd?: string } = {},
): Promise<ProcessResult> {
  const quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_MODE=l", "LC_ALL=C.UTF-8"];
  const command = [...quiet, "apt-get", "-q", ...apt.options, ...args];
  const [file = "", ...rest] = root && process.getuid?.() !== 0 ? ["sudo", "-n", ...command] : command;
  return runProcess(file, rest, {
    log: apt.log,
    onLine: (line) => reportLine(line, report),
    ...(cwd === undefined ? {} : { cwd }),
  });
}

/** `dlstatus:<n>:<percent>:<text>` while it downloads, `pmstatus:<package>:<percent>:<text>` while it installs. */
function reportLine(line: string, report: Report): boolean {
  const found = /^(?:dl|pm)status:[^:]*(?::[a-z0-9]+)?:([\d.]+):(.*)$/.exec(line);
  if (found === null) return /^pm(error|conffile):/.test(line);
  report(found[2] ?? "", Number(found[1]) / 100);
  return true;
}

/** The end of apt's own words, and where the rest stands. */
export function aptFailed(
  subject: string,
  apt: PrivateApt,
  result: ProcessResult,
  code: ErrorCode,
): SealiftError {
  const words = `${result.stdout}\n${result.stderr}`.split("\n").filter((line) => /^[EW]:/.test(line));
  const tail = (words.length > 0 ? words : result.stderr.split("\n")).slice(-5).join(" | ");
  return new SealiftError([
    {
      where: "apt-get",
      code,
      subject,
      found: `exit ${result.exitCode}: ${tail}`,
      expected: "apt-get to succeed",
      fix: `read ${apt.log}, fix the cause and start again`,
    },
  ]);
}

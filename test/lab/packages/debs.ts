import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Report } from "../../support/process/stages.ts";
import { aptFailed, privateApt, runApt, updateLists } from "./apt.ts";
import { debianSources } from "./debian-sources.ts";
import { withLock } from "../lock.ts";
import { hashFile } from "../hash-file.ts";

export interface Deb {
  readonly name: string;
  /** Debian's version: `26.1.5+dfsg1-9+b9`. */
  readonly version: string;
  /** Absolute path of the file. */
  readonly path: string;
  /** 64 hex digits, as the signed package list says and as the file was found to be. */
  readonly sha256: string;
}

/**
 * Downloads packages of a Debian suite without installing them or what they depend on. apt checks them against the suite's
 * signed lists with the machine's Debian archive keyring. What is already in `directory` and still intact is kept, without
 * a look at the network.
 *
 * @returns in the order of `names`.
 * @throws {E_DEBIAN_SOURCES}
 * @throws {E_PACKAGES} when the lists or a package cannot be had.
 */
export async function downloadDebs(
  names: readonly string[],
  suite: string,
  directory: string,
  report: Report = () => undefined,
): Promise<readonly Deb[]> {
  const waiting = (): void => {
    report("waits for another run that downloads packages");
  };
  return withLock("debs", waiting, async () => {
    const kept = await keptDebs(names, suite, directory);
    return kept ?? (await fetchDebs(names, suite, directory, report));
  });
}

async function fetchDebs(
  names: readonly string[],
  suite: string,
  directory: string,
  report: Report,
): Promise<readonly Deb[]> {
  mkdirSync(directory, { recursive: true });
  const apt = privateApt(suite, (await debianSources(suite)).lines, false);
  await updateLists(apt, report);
  // A day-old list may name files that the mirror has replaced since; then the lists are fetched once more.
  let result = await runApt(apt, ["download", ...names], report, { cwd: directory });
  if (result.exitCode !== 0) {
    await updateLists(apt, report, true);
    result = await runApt(apt, ["download", ...names], report, { cwd: directory });
  }
  if (result.exitCode !== 0) throw aptFailed(names.join(" "), apt, result, "E_PACKAGES");
  const printed = await runApt(apt, ["download", "--print-uris", ...names], report);
  const debs = parseUris(printed.stdout, directory);
  const found = names.flatMap((name) => debs.find((deb) => deb.name === name) ?? []);
  if (found.length !== names.length || !(await intact(found)))
    throw aptFailed(names.join(" "), apt, printed, "E_PACKAGES");
  writeFileSync(record(directory), `${JSON.stringify({ suite, debs: found }, undefined, 2)}\n`);
  return found;
}

/** Lines of `apt-get download --print-uris`: `'<address>' <name>_<version>_<arch>.deb <bytes> SHA256:<hex>`. */
export function parseUris(text: string, directory: string): readonly Deb[] {
  return text.split("\n").flatMap((line) => {
    const found = /^'[^']+' (([^_]+)_([^_]+)_[^_]+\.deb) \d+ SHA256:([0-9a-f]{64})$/.exec(line);
    if (found === null) return [];
    const [, file = "", name = "", version = "", sha256 = ""] = found;
    return [{ name, version: decodeURIComponent(version), path: join(directory, file), sha256 }];
  });
}

function record(directory: string): string {
  return join(directory, "debs.json");
}

async function keptDebs(
  names: readonly string[],
  suite: string,
  directory: string,
): Promise<readonly Deb[] | undefined> {
  if (!existsSync(record(directory))) return undefined;
  const kept = JSON.parse(readFileSync(record(directory), "utf8")) as { suite: string; debs: readonly Deb[] };
  const debs = names.flatMap((name) => kept.debs.find((deb) => deb.name === name) ?? []);
  if (kept.suite !== suite || debs.length !== names.length) return undefined;
  return (await intact(debs)) ? debs : undefined;
}

async function intact(debs: readonly Deb[]): Promise<boolean> {
  for (const { path, sha256 } of debs)
    if (!existsSync(path) || (await hashFile(path)) !== sha256) return false;
  return true;
}

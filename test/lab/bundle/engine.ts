/** Which engines the lab runs: Docker's static tarballs where they can be had, otherwise ones of the same shape. */
import { join } from "node:path";
import { type LockedFile, readLock } from "../../../offline-bundle/spec/lock-file.ts";
import { fetchToCache } from "../../../offline-bundle/fetching/download-cache.ts";
import { isUnreachable } from "../../../offline-bundle/http/download-problem.ts";
import type { Report } from "../../support/process/stages.ts";
import { builtEngines } from "./built-engine.ts";
import { checkout } from "../cache.ts";
import { debianEngine } from "./debian-engine.ts";

export interface Engine {
  readonly origin: "docker static tarball" | "repacked from Debian packages" | "built from Go modules";
  readonly version: string;
  /** What it is made of: sha256 of Docker's tarball, of the packages, of the recipe of a build. */
  readonly sha256: readonly string[];
}

/** In Docker's words, for this machine: guests run on the same processor. */
export const architecture = process.arch === "arm64" ? "arm64" : "amd64";
export const platform = `linux/${architecture}` as const;

export interface ChosenEngine {
  readonly engine: Engine;
  /** The shipped pin, when it is Docker's own tarball. */
  readonly pin?: LockedFile;
  /** Writes the tarball, when it has to be made. */
  readonly pack?: (target: string) => Promise<void>;
}

/**
 * one: the lab's usual engine. all: also what upgrades and rollbacks are tried with. registry: two that can be led to a registry
 * of the site name by name, 29 first; the bundle has a registry then. apps: 26.1, 28.5 and 29, with a registry, the plugins, age and
 * the example application.
 */
export type EngineChoice = "one" | "all" | "registry" | "apps";

/**
 * The engines, the usual one first: Docker's 28.5.2, or Debian's 26.1.5 where that cannot be reached. All of them, without
 * Docker's tarballs: 26.1.5, 28.5.2 (Debian's), 29.0.0 and 29.0.1 (built); with them 29.8.1 too.
 *
 * @param store folder that Docker's tarballs are downloaded to.
 * @throws {E_DOWNLOAD_SHA256} when a tarball is not the pinned one: then nothing stands in for it.
 * @throws {E_PACKAGES} @throws {E_DEBIAN_SOURCES} @throws {E_TOOL}
 */
export async function chooseEngines(
  choice: EngineChoice,
  store: string,
  report: Report,
): Promise<readonly ChosenEngine[]> {
  const usual = await fromDocker("28.5.2", store, report);
  if (choice === "registry") {
    const newest = (await fromDocker("29.8.1", store, report)) ?? (await builtEngines(report))[0];
    return [...(newest === undefined ? [] : [newest]), usual ?? (await debianEngine("sid", report))];
  }
  const first = usual ?? (await debianEngine("trixie", report));
  if (choice === "one") return [first];
  const made = await builtEngines(report);
  if (usual === undefined) {
    const others = choice === "apps" ? made.slice(0, 1) : made;
    return [first, await debianEngine("sid", report), ...others];
  }
  const newest = await fromDocker("29.8.1", store, report);
  return [first, await debianEngine("trixie", report), ...made, ...(newest === undefined ? [] : [newest])];
}

/** Docker's tarball with the shipped lock's pin; undefined where it cannot be downloaded. */
async function fromDocker(version: string, store: string, report: Report): Promise<ChosenEngine | undefined> {
  const { files } = await readLock(join(checkout, "offline-bundle", "bundle.lock.yaml"));
  const pin = files.find(
    (file) => file.kind === "engine" && file.version === version && file.platform === platform,
  );
  if (pin === undefined || !(await canHave(pin, store, report))) return undefined;
  return { engine: { origin: "docker static tarball", version, sha256: [pin.sha256] }, pin };
}

async function canHave(pin: LockedFile, store: string, report: Report): Promise<boolean> {
  try {
    await fetchToCache(new URL(pin.url), store, pin.sha256, (bytes, total) => {
      report(`downloading docker ${pin.version}`, total === undefined ? undefined : bytes / total);
    });
    return true;
  } catch (error) {
    if (isUnreachable(error)) return false;
    throw error;
  }
}

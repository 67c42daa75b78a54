/** Which engine the lab runs: Docker's static tarball where it can be had, otherwise Debian's binaries in the same shape. */
import { join } from "node:path";
import { SealiftError } from "../../modules/core/errors.ts";
import { type LockedFile, readLock } from "../../offline-bundle/lock-file.ts";
import { obtain } from "../../offline-bundle/store.ts";
import type { Report } from "../support/stages.ts";
import { cachePath, checkout } from "./cache.ts";
import { downloadEngineDebs, engineVersion } from "./debian-engine.ts";
import type { Deb } from "./packages.ts";

export interface Engine {
  readonly origin: "docker static tarball" | "repacked from Debian packages";
  readonly version: string;
  /** sha256 of Docker's tarball, or of the packages. */
  readonly sha256: readonly string[];
}

/** In Docker's words, for this machine: guests run on the same processor. */
export const architecture = process.arch === "arm64" ? "arm64" : "amd64";
export const platform = `linux/${architecture}` as const;

/** The version of Docker's tarball that the lab prefers; its pin is the shipped lock's. */
const dockerVersion = "28.5.2";

export interface ChosenEngine {
  readonly engine: Engine;
  /** The shipped pin, when it is Docker's own tarball. */
  readonly pin?: LockedFile;
  /** The packages, when it has to be repacked. */
  readonly debs?: readonly Deb[];
}

/**
 * Downloads Docker's tarball into `store`, or, where that cannot be reached, Debian's packages into the cache.
 *
 * @throws {E_DOWNLOAD_SHA256} when the tarball is not the pinned one: then nothing stands in for it.
 * @throws {E_PACKAGES} @throws {E_DEBIAN_SOURCES}
 */
export async function chooseEngine(store: string, report: Report): Promise<ChosenEngine> {
  const { files } = await readLock(join(checkout, "offline-bundle", "bundle.lock.yaml"));
  const pin = files.find(
    (file) => file.kind === "engine" && file.version === dockerVersion && file.platform === platform,
  );
  if (pin !== undefined && (await canHave(pin, store, report))) {
    return { engine: { origin: "docker static tarball", version: pin.version, sha256: [pin.sha256] }, pin };
  }
  const debs = await downloadEngineDebs(cachePath("debs"), report);
  const origin = "repacked from Debian packages";
  return { engine: { origin, version: engineVersion(debs), sha256: debs.map(({ sha256 }) => sha256) }, debs };
}

async function canHave(pin: LockedFile, store: string, report: Report): Promise<boolean> {
  try {
    await obtain(new URL(pin.url), store, pin.sha256, (bytes, total) => {
      report(`downloading docker ${pin.version}`, total === undefined ? undefined : bytes / total);
    });
    return true;
  } catch (error) {
    if (error instanceof SealiftError && error.problems.every(({ code }) => code === "E_DOWNLOAD"))
      return false;
    throw error;
  }
}
